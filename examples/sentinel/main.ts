/**
 * A primary that sentinels watch over: another server takes its place, and the program goes on. `npm run dev:sentinel` starts them and
 * prints their VALKEY_URL; then `VALKEY_URL=… npm run example examples/sentinel/main.ts`.
 */
import { Config, Effect, Layer, Option, Redacted, Schedule } from "effect"
import { CacheLive, CacheService, isTransient, ValkeyClient, ValkeySentinel, ValkeyStandalone } from "effect-vcache"

const url = Config.Redacted("VALKEY_URL")

/** Asks the first of the sentinels for a failover, as an operator does before stopping the primary. */
const failover = Effect.gen(function* () {
  const { host, pathname } = new URL(
    Redacted.value(yield* url)
      .replace("sentinel:", "http:")
      .replace(/,[^/]*/, "")
  )
  const sentinel = ValkeyStandalone.layer({ url: `valkey://${host}` })
  const ask = ValkeyClient.use((client) => client.send("SENTINEL", ["FAILOVER", pathname.slice(1)]))
  yield* Effect.provide(ask, sentinel)
})

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  const primary = Effect.map(cache.client.info("replication"), (servers) => [...servers.keys()].join())

  yield* cache.set("user:1", "Ada")
  const before = yield* primary
  yield* failover

  // Operations during the failover fail with transient errors. They succeed again as soon as the sentinels have agreed.
  const after = yield* primary.pipe(
    Effect.retry({ while: isTransient, schedule: Schedule.spaced("20 millis") }),
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (node) => node !== before })
  )
  console.log("another primary:", after !== before)
  console.log("the value:", Option.getOrNull(yield* cache.get("user:1")))
  console.log("written:", yield* cache.set("user:1", "Grace"))
  yield* cache.clear
})

const client = ValkeySentinel.layerConfig({ url })
await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive.layer({ prefix: "sentinel" }), client)))

// Prints:
// another primary: true
// the value: Ada
// written: true
