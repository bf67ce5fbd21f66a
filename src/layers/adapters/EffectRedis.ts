/** Effect's own `Redis` service on our connection, on every topology of servers. */
import { Clock, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import * as Redis from "effect/persistence/Redis"
import type { CommandError } from "../../schema/CacheError.ts"
import { isTransient } from "../../schema/isTransient.ts"
import type { Reply } from "../../schema/Command.ts"
import { refused } from "../../schema/failures.ts"
import { sha1 } from "../../schema/digest.ts"
import type { Script } from "../../schema/Script.ts"
import { pauseAfterLoss } from "../../services/cache/kernel/pauseAfterLoss.ts"
import {
  type DedicatedClient,
  type Message,
  ValkeyClient,
  type ValkeyClientShape
} from "../../services/ValkeyClient.ts"
import { rowOf } from "../commands/commandTable.ts"

type Send = Redis.Redis["Service"]["send"]

const asRedisError = (cause: CommandError) => new Redis.RedisError({ cause })

/** Effect's interface lets callers name the type of a reply, and passes nothing that could check it. */
const claimed = <A>(reply: Effect.Effect<Reply, CommandError>): Effect.Effect<A, Redis.RedisError> =>
  Effect.mapError(reply as Effect.Effect<A & Reply, CommandError>, asRedisError)

/** Replaces the commands that only one server answers as they are: scripts by their SHA, scans, KEYS. */
const makeSend = (client: ValkeyClientShape, scripts: Map<string, Script>, send: DedicatedClient["send"]): Send => {
  const run = (command: string, args: ReadonlyArray<string>): Effect.Effect<Reply, CommandError> => {
    switch (rowOf(command, args).name) {
      case "SCRIPT LOAD": {
        // Each server is given it when it lacks it.
        const [, lua = ""] = args
        const sha = sha1(lua)
        scripts.set(sha, { name: "EVALSHA", lua })
        return Exit.succeed(sha)
      }
      case "EVALSHA": {
        const [sha = "", count = "0", ...rest] = args
        const script = scripts.get(sha)
        if (script === undefined) break
        return client.eval(script, rest.slice(0, Number(count)), rest.slice(Number(count)))
      }
      case "KEYS":
        return scanned(client, args[0])
      case "SCAN": {
        const at = args.findIndex((arg) => arg.toUpperCase() === "MATCH")
        if (args[0] !== "0") return refused("SCAN", "the scan returns all keys at once, so the cursor must be 0")
        return Effect.map(scanned(client, at < 0 ? undefined : args[at + 1]), (keys) => ["0", keys])
      }
    }
    return send(command, args)
  }
  return <A = unknown>(command: string, ...args: ReadonlyArray<string>) => claimed<A>(run(command, args))
}

/** The keys of every server that match, each key once. */
const scanned = (
  client: ValkeyClientShape,
  match: string | undefined
): Effect.Effect<ReadonlyArray<string>, CommandError> =>
  Effect.map(Stream.runCollect(client.scan({ match })), (keys) => [...new Set(keys)])

/**
 * `Redis` of `effect/persistence` over the provided client: with it Effect's `Persistence`, `PersistedQueue`,
 * `RateLimiter` and `CircuitBreaker` work on each topology. In a cluster give them a prefix with a hash tag, `"{jobs}:"`,
 * where they use several keys at once. Errors are `RedisError`s with ours as their cause. Scripts are Lua: not in memory.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { RateLimiter } from "effect/persistence"
 * import { ValkeyUrl } from "effect-vcache"
 * import { EffectRedis } from "effect-vcache/effect"
 *
 * // Effect's rate limiter over a server, or over a cluster because of the hash tag.
 * export const Limits = RateLimiter.layer.pipe(
 *   Layer.provide(RateLimiter.layerStoreRedis({ prefix: "{limits}:" })),
 *   Layer.provide(EffectRedis.layer()),
 *   Layer.provide(ValkeyUrl.layerConfigRequired())
 * )
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const layer = (): Layer.Layer<Redis.Redis, never, ValkeyClient> =>
  Layer.fresh(
    Layer.effect(
      Redis.Redis,
      Effect.flatMap(ValkeyClient, (client) => {
        const scripts = new Map<string, Script>()
        return Redis.make({
          send: makeSend(client, scripts, client.send),
          // Reserved ones come from our own pool, and go back to it soon.
          pool: { idleTimeout: "1 second" },
          connect: Effect.gen(function* () {
            const scope = yield* Scope.make()
            const own = yield* Effect.mapError(Scope.provide(client.dedicated, scope), asRedisError)
            return { send: makeSend(client, scripts, own.send), close: Scope.close(scope, Exit.void) }
          }),
          subscribe: Effect.fnUntraced(
            function* (channel, onMessage) {
              const hear = (messages: Stream.Stream<Message, CommandError>): Effect.Effect<void, CommandError> =>
                Effect.catchIf(
                  Stream.runForEach(messages, (message) => Effect.sync(() => onMessage(message))),
                  isTransient,
                  () => Effect.andThen(Effect.sleep(pauseAfterLoss), hear(client.subscribe(channel)))
                )
              const first = yield* Effect.mapError(client.subscription(channel), asRedisError)
              const fiber = yield* Effect.forkScoped(Effect.mapError(hear(first), asRedisError))
              return Fiber.join(fiber)
            },
            // A server's time is the machine's, whatever clock the program has.
            Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())
          )
        })
      })
    )
  )
