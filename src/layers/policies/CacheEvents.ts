/** What happens in caches, for logs, tests and tools. */
import { channel } from "node:diagnostics_channel"
import { Clock, Context, Effect, Exit, Layer, Option, Queue, type Scope, Stream } from "effect"
import type { CacheName } from "../../schema/CacheName.ts"
import type { Notify } from "../../schema/CacheNotice.ts"
import { nobody } from "../../schema/CacheName.ts"
import { kindOf } from "../../schema/codecFailures.ts"
import { type CachePolicyShape, layerPolicy, type Observe, type Tally } from "../../services/CachePolicy.ts"

/** What all events have. */
interface Happened {
  /** The name of the cache: the one that its layer has been given, else the key of its tag. */
  readonly cache: string
  /** When it happened, in milliseconds since 1970. */
  readonly at: number
  /** The name of the operation: `get`, `getOrSetMany`, `delete` …; `near` or `breaker` where no operation made it happen. */
  readonly operation: string
  /** The user key; undefined where several are concerned, or none. */
  readonly key: string | undefined
}

/**
 * - `Hit`, `Miss`: `count` keys were found, or not; `stale` of the hits were served past their lifetime
 * - `Stored`: `count` values were stored
 * - `Invalidated`: keys were deleted, a prefix was cleared, tags were invalidated, a value was marked as stale
 * - `Changed`: a server has announced that the key changed, whoever changed it, here or elsewhere; told where the cache has a near
 *   cache, and with an undefined key where anything may have changed
 * - `Failed`: the operation failed; `error` is the tag of the error
 * - `LookupFailed`: a lookup of the program failed; `error` is the tag or the name of its error
 * - `NearOn`, `NearOff`: the near cache serves from now on, or leaves all reads to the server
 * - `CircuitOpened`, `CircuitClosed`: a `Breaker` refuses operations from now on, or lets them through again
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export type CacheEvent = Happened &
  (
    | { readonly _tag: "Hit"; readonly count: number; readonly stale: number }
    | { readonly _tag: "Miss"; readonly count: number }
    | { readonly _tag: "Stored"; readonly count: number }
    | { readonly _tag: "Invalidated" | "Changed" | "NearOn" | "CircuitOpened" | "CircuitClosed" }
    | { readonly _tag: "NearOff"; readonly reason: string }
    | { readonly _tag: "Failed"; readonly error: string }
    | { readonly _tag: "LookupFailed"; readonly error: string }
  )

/**
 * The events of the caches under one layer, for any number of listeners.
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export interface CacheEventsShape {
  /** Returns the events from now on, until the scope closes. */
  readonly subscribe: Effect.Effect<Stream.Stream<CacheEvent>, never, Scope.Scope>
  /** The events from the moment on at which the stream is run. */
  readonly stream: Stream.Stream<CacheEvent>
  /** Returns how many events slow listeners have missed, all together. */
  readonly dropped: Effect.Effect<number>
}

/**
 * The options of `CacheEvents.layer`.
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export interface CacheEventsOptions {
  /** How many events may wait for one listener; where there are more, the oldest are dropped. Default: 1 024. */
  readonly capacity?: number | undefined
}

const invalidating: ReadonlySet<string> = new Set([
  "delete",
  "deleteMany",
  "deletePattern",
  "clear",
  "clearAllVersions",
  "flushAll",
  "invalidateTags",
  "markStale"
])

/** Tools that are not Effect's listen here, as long as a layer of events stands around a cache. */
const everybody = channel("effect-vcache:event")

/** Hands events to whoever listens. */
class Hub {
  readonly #listeners = new Set<(event: CacheEvent) => void>()
  readonly #capacity: number
  #dropped = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isHeard(): boolean {
    return this.#listeners.size > 0 || everybody.hasSubscribers
  }

  publish(event: CacheEvent): void {
    for (const listener of this.#listeners) listener(event)
    if (everybody.hasSubscribers) everybody.publish(event)
  }

  readonly subscribe: CacheEventsShape["subscribe"] = Effect.suspend(() =>
    Effect.gen({ self: this }, function* () {
      const queue = yield* Queue.sliding<CacheEvent>(this.#capacity)
      const listener = (event: CacheEvent) => {
        if (Queue.sizeUnsafe(queue) >= this.#capacity) this.#dropped++
        Queue.offerUnsafe(queue, event)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => this.#listeners.add(listener)),
        () =>
          Effect.andThen(
            Effect.sync(() => this.#listeners.delete(listener)),
            Queue.shutdown(queue)
          )
      )
      return Stream.fromQueue(queue)
    })
  )

  readonly dropped = Effect.sync(() => this.#dropped)
}

const policyFor = (hub: Hub, { cache }: CacheName): CachePolicyShape => {
  const policy: CachePolicyShape = ({ key, name, tally }, effect) =>
    Effect.suspend(() => {
      if (!hub.isHeard) return effect
      return Effect.onExit(effect, (exit) =>
        Effect.map(Clock.currentTimeMillis, (at) => {
          const happened = { cache, at, operation: name, key }
          if (Exit.isSuccess(exit)) {
            if (tally !== undefined) publishTally(hub, happened, tally(exit.value))
            if (invalidating.has(name)) hub.publish({ ...happened, _tag: "Invalidated" })
            return
          }
          const error = Exit.findErrorOption(exit)
          if (Option.isSome(error)) hub.publish({ ...happened, _tag: "Failed", error: error.value._tag })
        })
      )
    })
  const observe: Observe = (part, { key, operation }, effect) =>
    part === "lookup"
      ? Effect.tapCause(effect, (cause) =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            const error = Exit.findErrorOption(Exit.failCause(cause))
            if (!hub.isHeard || Option.isNone(error)) return
            hub.publish({ cache, at, operation, key, _tag: "LookupFailed", error: kindOf(error.value) })
          })
        )
      : effect
  return Object.assign(policy, { observe })
}

/** `now`: by the clock of whoever builds the cache, since nobody asks for what it tells. */
const noticesFor =
  (hub: Hub, { cache }: CacheName, now: () => number): Notify =>
  (notice) => {
    if (!hub.isHeard) return
    const isNear = !notice._tag.startsWith("Circuit")
    const happened = { cache, at: now(), operation: isNear ? "near" : "breaker", key: undefined }
    if (notice._tag !== "Changed") return hub.publish({ ...happened, ...notice })
    for (const key of notice.keys() ?? [undefined]) hub.publish({ ...happened, key, _tag: "Changed" })
  }

const publishTally = (hub: Hub, happened: Happened, { hits = 0, misses = 0, stale = 0, stores = 0 }: Tally): void => {
  if (hits > 0) hub.publish({ ...happened, _tag: "Hit", count: hits, stale })
  if (misses > 0) hub.publish({ ...happened, _tag: "Miss", count: misses })
  if (stores > 0) hub.publish({ ...happened, _tag: "Stored", count: stores })
}

/**
 * The events of all caches that are built under its layer. Without the layer a cache makes no events; with it, and without
 * a listener, it costs what a policy costs that does nothing.
 *
 * The same events are published on the channel `effect-vcache:event` of `node:diagnostics_channel`, where it has subscribers.
 * Events name keys, and never values. Changes that other processes make are told by `client.changes`.
 *
 * @example
 * ```ts
 * import { Effect, Fiber, Layer, Stream } from "effect"
 * import { CacheEvents, CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const events = yield* (yield* CacheEvents).subscribe
 *   const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(events, 2)))
 *   yield* cache.set("user:1", "Ada")
 *   yield* cache.get("user:2")
 *   for (const event of yield* Fiber.join(seen)) console.log(event._tag, event.operation, event.key)
 * })
 * const live = Layer.provideMerge(CacheMemory, CacheEvents.layer())
 * await Effect.runPromise(Effect.scoped(Effect.provide(program, live)))
 * // => Stored set user:1
 * // => Miss get user:2
 * ```
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export class CacheEvents extends Context.Service<CacheEvents, CacheEventsShape>()("effect-vcache/CacheEvents") {
  /** Provides the events, and is a policy for every cache that is built under it. */
  static readonly layer = ({ capacity = 1024 }: CacheEventsOptions = {}): Layer.Layer<CacheEvents> =>
    Layer.unwrap(
      Effect.map(Clock.clockWith(Effect.succeed), (clock) => {
        const hub = new Hub(Math.max(1, capacity))
        const now = () => clock.currentTimeMillisUnsafe()
        const forCache = (name: CacheName) =>
          Object.assign(policyFor(hub, name), { notify: noticesFor(hub, name, now) })
        const policy = Object.assign(policyFor(hub, nobody), { forCache })
        const service = { subscribe: hub.subscribe, stream: Stream.unwrap(hub.subscribe), dropped: hub.dropped }
        return Layer.merge(layerPolicy(Effect.succeed(policy)), Layer.succeed(CacheEvents, service))
      })
    )
}
