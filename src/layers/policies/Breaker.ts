/** A policy that spares a server that is down, and its callers the wait. */
import { Duration, Effect, Exit, type Layer, type Scope } from "effect"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import { CacheConnectionError, type CacheError, CacheInputError } from "../../schema/CacheError.ts"
import { isTransient } from "../../schema/isTransient.ts"
import type { Notify } from "../../schema/CacheNotice.ts"
import { gaugeOf } from "../../schema/gauge.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { type CachePolicyShape, layerPolicy, type Operation } from "../../services/CachePolicy.ts"

/**
 * The options of `Breaker.policy` and `Breaker.layer`. Every field has a default.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export interface BreakerOptions {
  /** How many transient failures in a row open the circuit. Default: 5. */
  readonly failures?: number | undefined
  /** How long operations then fail at once, before one of them tries again. Default 5 seconds. */
  readonly openFor?: Duration.Input | undefined
}

/**
 * Opens a circuit after `failures` connection errors, timeouts and other transient failures in a row: operations fail at once
 * then, with a `CacheConnectionError` of code CIRCUIT_OPEN, and nothing is sent. It uses Effect's `CircuitBreaker`. Options that
 * are not above zero are a defect.
 *
 * @example
 * ```ts
 * import { Breaker, CacheLive } from "effect-vcache"
 *
 * // Two caches that have it each have a circuit of their own.
 * export const cache = CacheLive.layer({ policies: [Breaker.policy({ failures: 3, openFor: "2 seconds" })] })
 * ```
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export const policy = (options: BreakerOptions = {}): Effect.Effect<CachePolicyShape, never, Scope.Scope> =>
  Effect.provide(make(options), CircuitBreaker.layerStoreMemory())

/**
 * Provides `policy` for every cache that is built under the layer: they share one circuit.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Breaker, CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   yield* (yield* Faults.Faults).set({ failure: "refused" })
 *   for (let i = 0; i < 2; i++) {
 *     const error = yield* Effect.flip(CacheService.use((cache) => cache.get("user:1")))
 *     console.log("code" in error && error.code)
 *   }
 * })
 * const cache = Layer.provide(CacheLive, Breaker.layer({ failures: 1 }))
 * Effect.runSync(Effect.provide(program, Layer.provideMerge(cache, Layer.provide(Faults.layer, ValkeyMemory.layer()))))
 * // => ECONNREFUSED
 * // => CIRCUIT_OPEN
 * ```
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export const layer = (options: BreakerOptions = {}): Layer.Layer<never> => layerPolicy(policy(options))

const make = Effect.fnUntraced(function* ({ failures = 5, openFor = "5 seconds" }: BreakerOptions) {
  const openMillis = toMillis(openFor)
  if (!Number.isSafeInteger(failures) || failures < 1 || openMillis === undefined || openMillis === 0) {
    const reason = "failures and openFor must be above zero"
    return yield* Effect.die(new CacheInputError({ operation: "Breaker", reason }))
  }
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(failures),
    openDuration: Duration.millis(openMillis)
  })
  const guarded = <A, E extends CacheError, R>(
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | CircuitBreaker.CircuitBreakerError, R> =>
    breaker.execute<A, E, R>(effect, { key: circuit, classify: outcomeOf })

  const listeners = new Set<Notify>()
  let isOpen = false
  const become = (open: boolean) => {
    if (isOpen === open) return
    isOpen = open
    for (const notify of listeners) notify({ _tag: open ? "CircuitOpened" : "CircuitClosed" })
  }
  yield* gaugeOf("breakers_open", "Circuits that refused the last operation", {}, () => Number(isOpen))

  // While nothing has failed since the last success, there is nothing that the breaker needs to be told or asked.
  let healthy = true
  const recorded = <E extends CacheError>(error: E) =>
    Effect.suspend(() => {
      healthy = false
      // The operation's own failure stands, whatever the breaker says of it by now.
      return Effect.andThen(Effect.ignore(guarded(Effect.fail(error))), Effect.fail(error))
    })

  /** The circuit knows whether an answer closes it: one to what was asked before it opened does not. */
  const answered = Effect.ignore(
    Effect.map(breaker.state(circuit), ({ _tag }) => {
      if (_tag !== "Closed") return
      healthy = true
      become(false)
    })
  )

  const policy: CachePolicyShape = <A, E extends CacheError, R>(
    { name }: Operation<A>,
    effect: Effect.Effect<A, E, R>
  ) =>
    Effect.suspend(() =>
      healthy
        ? Effect.catchIf(effect, isTransient, recorded)
        : guarded(effect).pipe(
            Effect.onExit((exit) => (outcomeOf(exit) === CircuitBreaker.success ? answered : Effect.void)),
            Effect.catchTag("CircuitBreakerError", () =>
              Effect.suspend(() => {
                become(true)
                return Effect.fail(circuitOpen(name))
              })
            )
          )
    )
  const notices: CachePolicyShape["notices"] = (notify) => {
    // Its own: several caches may tell the same one.
    const listener: Notify = (notice) => notify(notice)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return Object.assign(policy, { judges: true, notices })
})

/** Circuits are told apart by a key, and there is one. */
const circuit = "cache"

/** What says that the server is there, that it is not, or nothing about it. */
const outcomeOf = (
  exit: Exit.Exit<unknown, CacheError | CircuitBreaker.CircuitBreakerError>
): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return CircuitBreaker.ignored
  if (isTransient(error.value)) return CircuitBreaker.failure()
  return error.value._tag === "CacheServerError" ? CircuitBreaker.success : CircuitBreaker.ignored
}

const circuitOpen = (operation: string) =>
  new CacheConnectionError({
    operation,
    phase: "connect",
    code: "CIRCUIT_OPEN",
    mayHaveExecuted: false
  })
