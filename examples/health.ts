/** Is the cache well: a readiness probe, the states of its connections, and what the doctor says. `npm run example examples/health.ts` */
import { Effect, Fiber, Layer, Stream } from "effect"
import { CacheLive, CacheService, Doctor, ValkeyUrl } from "effect-vcache"

const program = Effect.gen(function* () {
  const cache = yield* CacheService

  // For dashboards: the state now, and each new one.
  const watching = yield* Effect.forkChild(
    Stream.runCollect(Stream.takeUntil(cache.client.states, ({ _tag }) => _tag === "Ready"))
  )

  // For probes: it never fails, and takes no longer than a command may.
  const health = yield* cache.health
  console.log("ready:", health.ready, "error:", health.error._tag)
  console.log("connections:", (yield* Fiber.join(watching)).at(-1)?._tag)

  // For operators, as `npx effect-vcache doctor`: the connection, the rights of the user, the settings of the servers.
  const verdicts = yield* Doctor.examine({ prefix: "health:" })
  console.log(
    "has looked at the connection:",
    verdicts.some(({ check }) => check === "connection")
  )
  console.log("needs repair:", Doctor.worst(verdicts) === "problem")
})

const client = ValkeyUrl.layerConfig()
await Effect.runPromise(Effect.provide(program, Layer.provideMerge(CacheLive, client)))

// Prints:
// ready: true error: None
// connections: Ready
// has looked at the connection: true
// needs repair: false
