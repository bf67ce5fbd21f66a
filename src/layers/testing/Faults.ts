/** A client that fails as it is told to: slow, refused, timed out, replies lost. For tests of what a program does then. */
import { Context, type Duration, Effect, Layer, Random, Stream } from "effect"
import { CacheConnectionError, CacheTimeoutError, type CommandError } from "../../schema/CacheError.ts"
import type { Command } from "../../schema/Command.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"

/**
 * Something that goes wrong with some commands. Those that no fault concerns are left alone.
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export interface Fault {
  /** Names of commands, `"GET"`, or of scripts, `"lock.acquire"`. Default: all. */
  readonly commands?: ReadonlyArray<string> | undefined
  /** The part of these commands that it concerns, from 0 to 1. Default: 1. */
  readonly rate?: number | undefined
  /** How much longer they take. Default: 0. */
  readonly latency?: Duration.Input | undefined
  /**
   * - `"refused"`: a connection error; nothing was executed
   * - `"timeout"`: a timeout; nothing was executed, and nobody knows
   * - `"lostReply"`: it was executed, and the connection broke before the reply
   * - an error: that one; nothing was executed
   *
   * Default: none fails, all are only late.
   */
  readonly failure?: "refused" | "timeout" | "lostReply" | CommandError | undefined
}

/**
 * Says which commands of the client go wrong from now on, and how.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   const faults = yield* Faults.Faults
 *   const cache = yield* CacheService
 *   yield* faults.set({ commands: ["SET"], failure: "lostReply" })
 *   const error = yield* Effect.flip(cache.set("user:1", "Ada"))
 *   yield* faults.clear
 *   console.log(error._tag, "- stored all the same:", yield* cache.has("user:1"))
 * })
 * const faulty = CacheLive.pipe(Layer.provideMerge(Faults.layer), Layer.provide(ValkeyMemory.layer()))
 * Effect.runSync(Effect.provide(program, faulty))
 * // => CacheConnectionError - stored all the same: true
 * ```
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export class Faults extends Context.Service<
  Faults,
  {
    /** Replaces the faults. The first one that concerns a command counts. */
    readonly set: (...faults: ReadonlyArray<Fault>) => Effect.Effect<void>
    /** Removes all faults: nothing goes wrong any more. */
    readonly clear: Effect.Effect<void>
    /** Returns how many commands were made to fail so far. */
    readonly failed: Effect.Effect<number>
  }
>()("effect-vcache/testing/Faults") {}

/**
 * Puts faults before the provided client. Without any it costs next to nothing. Chance comes from `Random`.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { ValkeyClient, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   const faults = yield* Faults.Faults
 *   yield* faults.set({ rate: 0.5, failure: "timeout" })
 *   const client = yield* ValkeyClient
 *   for (let i = 0; i < 1000; i++) yield* Effect.ignore(client.send("PING", []))
 *   const failed = yield* faults.failed
 *   console.log("about half:", failed > 400 && failed < 600)
 * })
 * Effect.runSync(Effect.provide(program, Layer.provide(Faults.layer, ValkeyMemory.layer())))
 * // => about half: true
 * ```
 *
 * @since 0.2.0
 * @category testing
 * @see docs/testing.md
 */
export const layer: Layer.Layer<ValkeyClient | Faults, never, ValkeyClient> = Layer.effectContext(
  Effect.map(ValkeyClient, (client) => {
    let faults: ReadonlyArray<Fault> = []
    let failed = 0

    const concerns = ({ commands }: Fault, name: string) =>
      commands === undefined || commands.some((command) => command.toUpperCase() === name.toUpperCase())

    const under = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CommandError, R> =>
      Effect.suspend(() => {
        const fault = faults.find((fault) => concerns(fault, name))
        if (fault === undefined) return effect
        return Effect.flatMap(Random.next, (chance): Effect.Effect<A, E | CommandError, R> => {
          if (chance >= (fault.rate ?? 1)) return effect
          const late = fault.latency === undefined ? Effect.void : Effect.sleep(toMillis(fault.latency) ?? 0)
          if (fault.failure === undefined) return Effect.andThen(late, effect)
          failed++
          const failure = Effect.fail(errorOf(name, fault.failure))
          return Effect.andThen(late, fault.failure === "lostReply" ? Effect.andThen(effect, failure) : failure)
        })
      })

    /** Each command by itself, where each may fail by itself. */
    const pipelineOver =
      (pipeline: ValkeyClientShape["pipeline"]): ValkeyClientShape["pipeline"] =>
      (commands) => {
        if (faults.length === 0) return pipeline(commands)
        const one = (command: Command) =>
          Effect.flatMap(pipeline([command]), ([result]) =>
            result === undefined ? Effect.fail(errorOf(command.name, "lostReply")) : Effect.fromResult(result)
          )
        return Effect.forEach(commands, (command) =>
          Effect.result(under(command.script?.name ?? command.name, one(command)))
        )
      }

    const scanning = <A>(scan: () => Stream.Stream<A, CommandError>): Stream.Stream<A, CommandError> =>
      Stream.unwrap(under("SCAN", Effect.sync(scan)))

    const faulty: ValkeyClientShape = {
      ...client,
      send: (name, args, options) => under(name, client.send(name, args, options)),
      request: (name, args, use, options) => Effect.flatMap(under(name, client.send(name, args, options)), use),
      pipeline: pipelineOver(client.pipeline),
      transaction: (commands) => under("EXEC", client.transaction(commands)),
      tracked: (keys, options) => under(options?.era === true ? "readTags" : "GET", client.tracked(keys, options)),
      eval: (script, keys, args) => under(script.name, client.eval(script, keys, args)),
      scan: (options) => scanning(() => client.scan(options)),
      scanBinary: (options) => scanning(() => client.scanBinary(options)),
      scanPage: (cursor, options) => under("SCAN", client.scanPage(cursor, options)),
      sendToEach: (name, args, options) => under(name, client.sendToEach(name, args, options)),
      slowLog: (options) => under("SLOWLOG", client.slowLog(options)),
      dedicated: under(
        "dedicated",
        Effect.map(client.dedicated, (own) => ({
          send: (name, args, options) => under(name, own.send(name, args, options)),
          pipeline: pipelineOver(own.pipeline)
        }))
      )
    }
    return Context.make(ValkeyClient, faulty).pipe(
      Context.add(Faults, {
        set: (...next) => Effect.sync(() => void (faults = next)),
        clear: Effect.sync(() => void (faults = [])),
        failed: Effect.sync(() => failed)
      })
    )
  })
)

const errorOf = (operation: string, failure: NonNullable<Fault["failure"]>): CommandError => {
  switch (failure) {
    case "refused":
      return new CacheConnectionError({
        operation,
        phase: "connect",
        code: "ECONNREFUSED",
        node: "faults",
        mayHaveExecuted: false
      })
    case "lostReply":
      return new CacheConnectionError({
        operation,
        phase: "lost",
        code: undefined,
        node: "faults",
        mayHaveExecuted: true
      })
    case "timeout":
      return new CacheTimeoutError({
        operation,
        phase: "command",
        timeout: 1000,
        node: "faults",
        mayHaveExecuted: true
      })
    default:
      return failure
  }
}
