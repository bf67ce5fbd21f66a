/**
 * A primary and its replica without sentinels: writes go to the one, reads to the other. The primary dies: reads go on, and writes say
 * that they were not made. `npm run example examples/replicated/main.ts`; it starts the servers itself.
 */
import { Effect, Layer, Option, Schedule } from "effect"
import { CacheLive, CacheService, ValkeyClient, ValkeyReplicated, ValkeyUrl } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"

const scenario = Effect.fnUntraced(function* (primary: LocalValkey.LocalServer) {
  const cache = yield* CacheService
  const read = Effect.map(cache.get("user:1"), Option.getOrNull)

  yield* cache.set("user:1", "Ada")
  // Replication takes a moment, and a read may come before it.
  yield* Effect.repeat(read, { schedule: Schedule.spaced("20 millis"), until: (value) => value !== null })
  console.log("read from the replica:", yield* read)

  yield* primary.kill
  console.log("the primary is dead:", yield* read)
  const error = yield* Effect.flip(cache.set("user:1", "Grace"))
  console.log("written:", error._tag)
})

/** Makes a server the replica of another, as an operator does. A client reads from it once the two have a link. */
const follow = (primary: LocalValkey.LocalServer) =>
  Effect.gen(function* () {
    const client = yield* ValkeyClient
    yield* client.send("REPLICAOF", ["127.0.0.1", new URL(primary.url).port])
    yield* Effect.repeat(client.info("replication"), {
      schedule: Schedule.spaced("20 millis"),
      until: (servers) => [...servers.values()].every((server) => server.get("master_link_status") === "up")
    })
  })

const program = Effect.gen(function* () {
  const [primary, replica] = yield* Effect.all([LocalValkey.make, LocalValkey.make])
  yield* Effect.provide(follow(primary), ValkeyUrl.layer(replica.url))
  const client = ValkeyReplicated.layer({ urls: [primary.url, replica.url], connect: "eager" })
  yield* Effect.provide(scenario(primary), Layer.provide(CacheLive, client))
})

await Effect.runPromise(Effect.scoped(program))

// Prints:
// read from the replica: Ada
// the primary is dead: Ada
// written: CacheConnectionError
