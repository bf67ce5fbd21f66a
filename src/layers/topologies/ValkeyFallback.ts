/** A client that turns to a second one while the first is down. */
import { Duration, Effect, Exit, Layer, Result, type Scope, Stream } from "effect"
import { CacheConnectionError, type CacheError, CacheInputError, CacheTimeoutError } from "../../schema/CacheError.ts"
import { type Arg, type Command, toWireArg } from "../../schema/Command.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { keysOf } from "../commands/CommandRow.ts"
import { rowOf } from "../commands/commandTable.ts"

export interface FallbackOptions<E1, R1, E2, R2> {
  readonly first: Layer.Layer<ValkeyClient, E1, R1>
  /** Used while the first is down: in memory, say. */
  readonly second: Layer.Layer<ValkeyClient, E2, R2>
  /** How often the first is asked whether it is back. Default 1 second. */
  readonly probeInterval?: Duration.Input | undefined
}

/** Keys that are remembered while the first is down; what is written to others then may be found older afterwards. */
const maxKeys = 100_000

/** What was deleted by a pattern. */
interface Deletion {
  readonly match: string | undefined
  readonly deletes: (key: string) => boolean
}

/** The same of these. */
const maxDeletions = 1000

/** Keys in one command. */
const keysPerCommand = 1000

/**
 * Commands go to `first`. One that meets a connection error or a timeout goes to `second`, and so do all others until
 * `first` answers again. Before it is used again, the keys that were written meanwhile are deleted in both, and what was
 * deleted by a pattern in it, so that nothing older comes back. Subscriptions, dedicated connections and the raw client
 * are always those of `first`.
 */
export const layer = <E1, R1, E2, R2>({
  first,
  probeInterval = "1 second",
  second
}: FallbackOptions<E1, R1, E2, R2>): Layer.Layer<ValkeyClient, E1 | E2, R1 | R2> =>
  Layer.effect(
    ValkeyClient,
    Effect.gen(function* () {
      const millis = toMillis(probeInterval)
      if (millis === undefined || millis === 0 || millis === Infinity) {
        const reason = "probeInterval must be above zero and finite"
        return yield* Effect.die(new CacheInputError({ operation: "ValkeyFallback", reason }))
      }
      const clients = yield* Effect.all([built(first), built(second)])
      return make(clients, millis, yield* Effect.scope)
    })
  )

/** In a memo of its own: the same layer may stand elsewhere in the program. */
const built = <E, R>(layer: Layer.Layer<ValkeyClient, E, R>) =>
  Effect.flatMap(Layer.build(Layer.fresh(layer)), (context) => Effect.provideContext(ValkeyClient, context))

const make = (
  [first, second]: readonly [ValkeyClientShape, ValkeyClientShape],
  probeInterval: number,
  scope: Scope.Scope
): ValkeyClientShape => {
  let down = false
  const written = new Set<string>()
  const deletions: Array<Deletion> = []
  let flushed = false

  const unlinkAll = (clients: ReadonlyArray<ValkeyClientShape>, keys: ReadonlyArray<string>) =>
    Effect.forEach(
      clients,
      (client) => {
        const commands: Array<Command> = []
        for (let i = 0; i < keys.length; i += keysPerCommand) {
          commands.push({ name: "UNLINK", args: keys.slice(i, i + keysPerCommand) })
        }
        return Effect.flatMap(client.pipeline(commands), (results) => Effect.fromResult(Result.all(results)))
      },
      { discard: true }
    )

  const handBack: Effect.Effect<void, CacheError> = Effect.gen(function* () {
    yield* first.send("PING", [])
    while (written.size > 0 || deletions.length > 0 || flushed) {
      if (flushed) {
        yield* first.send("FLUSHDB", [])
        flushed = false
      }
      for (let deletion = deletions[0]; deletion !== undefined; deletion = deletions[0]) {
        const found = Stream.filter(first.scan(deletion), deletion.deletes)
        yield* Stream.runForEachArray(found, (keys) => unlinkAll([first], keys))
        deletions.shift()
      }
      const keys = [...written]
      yield* unlinkAll([first, second], keys)
      for (const key of keys) written.delete(key)
    }
    down = false
  })

  const probing: Effect.Effect<void> = Effect.suspend(() =>
    down ? Effect.andThen(Effect.ignore(Effect.delay(handBack, probeInterval)), probing) : Effect.void
  )

  const goDown = Effect.suspend(() => {
    if (down) return Effect.void
    down = true
    return Effect.forkIn(probing, scope, { startImmediately: true })
  })

  const note = (name: string, args: ReadonlyArray<Arg>): void => {
    const row = rowOf(name, args)
    if (row.reads) return
    if (row.name === "FLUSHDB" || row.name === "FLUSHALL") flushed = true
    for (const key of keysOf(
      row,
      args.map((arg) => toWireArg(arg) ?? "")
    )) {
      if (written.size < maxKeys) written.add(String(key))
    }
  }

  /** `onSecond` notes what it writes. */
  const route = <A, E, R>(
    onFirst: Effect.Effect<A, E, R>,
    onSecond: Effect.Effect<A, E, R>,
    resendIf?: Command["resendIf"]
  ): Effect.Effect<A, E, R> =>
    Effect.suspend(() =>
      down
        ? onSecond
        : Effect.catch(onFirst, (error) =>
            isOutage(error)
              ? Effect.andThen(goDown, resendIf?.() === false ? Effect.fail(error) : onSecond)
              : Effect.fail(error)
          )
    )

  const noting = <A, E, R>(commands: ReadonlyArray<Command>, effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      for (const { args, name } of commands) note(name, args)
      return effect
    })

  const scanSecond: ValkeyClientShape["scan"] = (options) =>
    Stream.suspend(() => {
      const { deletes, match } = options ?? {}
      if (deletes !== undefined && deletions.length < maxDeletions) deletions.push({ deletes, match })
      return second.scan(options)
    })

  const pipelineOnFirst: ValkeyClientShape["pipeline"] = (commands) =>
    Effect.flatMap(first.pipeline(commands), (results) => {
      if (!results.some(isLost)) return Exit.succeed(results)
      const isAgain = commands.map(({ resendIf }, i) => isLost(results[i]) && resendIf?.() !== false)
      const lost = commands.filter((_, i) => isAgain[i])
      return Effect.flatMap(Effect.andThen(goDown, noting(lost, second.pipeline(lost))), (again) => {
        const others = again.values()
        return Exit.succeed(
          results.map((result, i) => (isAgain[i] === true ? (others.next().value ?? result) : result))
        )
      })
    })

  return {
    ...first,
    send: (name, args, options) =>
      route(
        first.send(name, args, options),
        noting([{ name, args }], second.send(name, args, options)),
        options?.resendIf
      ),
    request: (name, args, use, options) =>
      route(
        first.request(name, args, use, options),
        noting([{ name, args }], second.request(name, args, use, options)),
        options?.resendIf
      ),
    pipeline: (commands) => route(pipelineOnFirst(commands), noting(commands, second.pipeline(commands))),
    transaction: (commands) => route(first.transaction(commands), noting(commands, second.transaction(commands))),
    eval: (script, keys, args) =>
      script.exclusive === true
        ? first.eval(script, keys, args)
        : route(
            first.eval(script, keys, args),
            noting(
              keys.map((key) => ({ name: "SET", args: [key] })),
              second.eval(script, keys, args)
            )
          ),
    scan: (options) =>
      Stream.suspend(() => {
        if (down) return scanSecond(options)
        return Stream.catch(first.scan(options), (error) =>
          isOutage(error) ? Stream.unwrap(Effect.as(goDown, scanSecond(options))) : Stream.fail(error)
        )
      }),
    info: (section) => route(first.info(section), second.info(section))
  }
}

const isOutage = (error: unknown): boolean =>
  error instanceof CacheTimeoutError || (error instanceof CacheConnectionError && error.phase !== "closed")

const isLost = (result: Result.Result<unknown, CacheError> | undefined): boolean =>
  result !== undefined && Result.isFailure(result) && isOutage(result.failure)
