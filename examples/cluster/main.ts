/**
 * A cluster: keys lie in 16 384 slots, which its primaries share. `npm run dev:cluster` starts one and prints its VALKEY_URL; then
 * `VALKEY_URL=… npm run example examples/cluster/main.ts`.
 */
import { Config, Effect, Layer } from "effect"
import { CacheLive, CacheService, ValkeyCluster } from "effect-vcache"

const users = Array.from({ length: 300 }, (_, i) => `user:${i}`)

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.clear

  // One call, and one write for each primary.
  yield* cache.setMany(users.map((user) => [user, "Ada"] as const))
  console.log("read from all primaries:", (yield* cache.getMany(users)).size)
  const servers = yield* cache.client.info("replication")
  console.log("primaries:", [...servers.values()].filter((server) => server.get("role") === "master").length)

  // An operation on several keys needs them in one slot, which a hash tag decides.
  yield* cache.unorderedSet("{ada}:follows").add("grace", "barbara")
  yield* cache.unorderedSet("{ada}:followers").add("grace")
  console.log("friends:", yield* cache.unorderedSet("{ada}:follows").intersection("{ada}:followers"))

  yield* cache.unorderedSet("eve:follows").add("grace")
  const error = yield* Effect.flip(cache.unorderedSet("eve:follows").intersection("{ada}:followers"))
  console.log("without a common tag:", error._tag)

  // Tags of values and scans of the key space concern the whole cluster.
  yield* cache.set("page", "<html>", { tags: ["prices"] })
  yield* cache.invalidateTags(["prices"])
  console.log("page:", (yield* cache.has("page")) ? "there" : "invalidated")
  console.log("cleared more than 300 keys:", (yield* cache.clear) > 300)
})

const client = ValkeyCluster.layerConfig({ url: Config.Redacted("VALKEY_URL") })
await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive.layer({ prefix: "cluster" }), client)))

// Prints:
// read from all primaries: 300
// primaries: 3
// friends: [ 'grace' ]
// without a common tag: CacheUnsupportedError
// page: invalidated
// cleared more than 300 keys: true
