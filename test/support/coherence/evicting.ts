/** A server that is full for a moment, so that some keys have to make room. */
import { Effect, type Scope } from "effect"
import { Redis } from "iovalkey"
import { pause } from "../pause.ts"
import { until } from "../until.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"
import { now } from "./History.ts"
import type { Torture } from "./Torture.ts"

const evicted = "__keyevent@0__:evicted"
const end = "coherence:end"

const fillers = 200
const fillerBytes = 300
/** About half of the fillers. */
const missingBytes = 35_000

/** Nobody writes meanwhile. */
export const evicting = ({ maxStaleness, writer }: Torture, server: ValkeyServer): Effect.Effect<void> =>
  Effect.scoped(
    Effect.gen(function* () {
      const start = now()
      const ask = yield* server.session
      // Of a cluster's server only those that are in its slots.
      for (let i = 0; i < fillers; i++) yield* Effect.exit(ask("SET", `filler${i}`, "x".repeat(fillerBytes)))
      yield* ask("CONFIG", "SET", "notify-keyspace-events", "Ee")
      const heard = yield* messages(server, evicted, end)
      yield* ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
      const used = Number(/used_memory:(\d+)/.exec(String(yield* ask("INFO", "memory")))?.[1])
      yield* ask("CONFIG", "SET", "maxmemory", used - missingBytes)
      yield* pause(maxStaleness / 2)
      yield* ask("CONFIG", "SET", "maxmemory", 0)
      // Whoever hears this has heard of all that was evicted.
      yield* ask("PUBLISH", end, end)
      const keys = yield* until("the end of it", Effect.succeed(heard), (heard) => heard.includes(end))
      for (const key of keys) writer.gone(key, start)
    })
  )

/** What is published on the channels from now on. */
const messages = (
  { host, port }: ValkeyServer,
  ...channels: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new Redis({ host, port, lazyConnect: true, retryStrategy: () => null })),
      (client) => Effect.sync(() => client.disconnect())
    )
    client.on("error", () => {})
    client.on("message", (_, message: string) => void heard.push(message))
    yield* Effect.promise(() => client.subscribe(...channels))
    return heard
  })
