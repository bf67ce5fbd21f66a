/** Records that a failover has forgotten do not bring back what was invalidated. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { ValkeyStandalone } from "effect-vcache"
import { cacheOverLayer } from "../support/cacheOver.ts"
import { until } from "../support/until.ts"
import { patient } from "../support/faults.ts"
import { startServer } from "../support/ValkeyServer.ts"

const nears = { "by the server": false, "near, too": {} } as const

describe("tags", () => {
  for (const [how, near] of Object.entries(nears)) {
    it.live(
      `whose records are those of before the invalidation, at a server with another history, keep nothing alive: ${how}`,
      () =>
        Effect.gen(function* () {
          const { call, url } = yield* startServer()
          const cache = yield* cacheOverLayer(ValkeyStandalone.layer({ ...patient, url }), { prefix: "p", near })
          const records = ["%vcache:tags:{p#tags}", "%vcache:tag:{p#tags}:t"]
          yield* cache.set("k", 1, { tags: ["t"] })
          const before = yield* Effect.forEach(records, (key) => call("GET", key))
          yield* cache.invalidateTags(["t"])
          assert.deepStrictEqual(yield* cache.get("k"), Option.none())

          // What a replica has that did not hear of the invalidation.
          const forget = Effect.forEach(records, (key, i) => call("SET", key, String(before[i])))
          yield* forget
          // As long as the history is the same, the records alone decide.
          yield* until("the value", cache.get("k"), Option.isSome)
          yield* cache.set("l", 2, { tags: ["t"] })
          const since = yield* cache.tagSnapshot(["t"])
          // It becomes the primary.
          yield* call("REPLICAOF", "127.0.0.1", "1")
          yield* call("REPLICAOF", "NO", "ONE")
          for (const key of ["k", "l"]) assert.deepStrictEqual(yield* cache.get(key), Option.none())
          // Who trusts it has what was invalidated before, too.
          const trusting = cache.withOptions({ tags: { afterFailover: "trust" } })
          for (const key of ["k", "l"]) assert.isTrue(Option.isSome(yield* trusting.get(key)))
          assert.strictEqual((yield* trusting.getMany(["k", "l"])).size, 2)
          yield* cache.set("m", 3, { tags: ["t"], since })
          assert.deepStrictEqual(yield* cache.get("m"), Option.none())
          yield* cache.set("m", 3, { tags: ["t"] })
          assert.deepStrictEqual(yield* cache.get("m"), Option.some(3))
        }).pipe(Effect.scoped)
    )
  }
})
