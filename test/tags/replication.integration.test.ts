/** Invalidations that wait for replicas, and records that change their server. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { CacheMemory, CacheService, ValkeyCluster, ValkeyStandalone } from "effect-vcache"
import { cacheOverLayer } from "../support/cacheOver.ts"
import { startCluster } from "../support/ClusterFleet.ts"
import { Dice } from "../support/Dice.ts"
import { patient } from "../support/faults.ts"
import { startReplicatedServers } from "../support/ReplicatedServers.ts"
import { sharedInFile } from "../support/sharedInFile.ts"
import { clusterHistory } from "../support/tags/clusterHistory.ts"
import { downAfter, recordFaults } from "../support/tags/recordFaults.ts"

const cluster = sharedInFile(startCluster({ downAfter }))

describe("an invalidation that waits for replicas", () => {
  it.live("succeeds when they have it, and says how many do where they are too few; it stands all the same", () =>
    Effect.gen(function* () {
      const [primary, replica, other] = yield* startReplicatedServers()
      const cache = yield* cacheOverLayer(ValkeyStandalone.layer({ ...patient, url: primary.url }), { prefix: "p" })
      const tags = ["a", "b"]
      const set = cache.set("k", 1, { tags })
      const isGone = Effect.map(cache.get("k"), Option.isNone)
      for (const replicas of [1, 2]) {
        yield* set
        yield* cache.invalidateTags(["b"], { replicas })
        assert.isTrue(yield* isGone)
        for (const { call } of [replica, other].slice(0, replicas === 2 ? 2 : 0)) {
          const token = "%vcache:tag:{p#tags}:b"
          assert.strictEqual(yield* call("GET", token), yield* primary.call("GET", token))
        }
      }
      yield* set
      const tooMany = yield* Effect.flip(cache.invalidateTags(["a"], { replicas: 3, waitFor: 50 }))
      assert.deepInclude(tooMany, { _tag: "CacheReplicationError", replicas: 3, acknowledged: 2 })
      assert.isTrue(yield* isGone)
      yield* Effect.all([replica.freeze, other.freeze])
      yield* set
      const silent = yield* Effect.flip(cache.invalidateTags(tags, { mode: "stale", replicas: 1, waitFor: 50 }))
      assert.deepInclude(silent, { _tag: "CacheReplicationError", replicas: 1, acknowledged: 0 })
      assert.match(silent.message, /done at the primary, and 0 of 1 replicas/)
      assert.isTrue(yield* isGone)
      yield* Effect.all([replica.thaw, other.thaw])
      // The connection is as it was.
      yield* cache.invalidateTags(tags, { replicas: 2 })
    }).pipe(Effect.scoped)
  )

  it.live("asks the server of the tags in a cluster", () =>
    Effect.gen(function* () {
      const { url } = yield* cluster
      const cache = yield* cacheOverLayer(ValkeyCluster.layer({ ...patient, url }))
      for (let i = 0; i < 4; i++) {
        const view = cache.withOptions({ prefix: `p${i}` })
        yield* view.set("k", 1, { tags: ["t"] })
        yield* view.invalidateTags(["t"], { replicas: 1 })
        const error = yield* Effect.flip(view.invalidateTags(["t"], { replicas: 2, waitFor: 10 }))
        assert.deepInclude(error, { _tag: "CacheReplicationError", acknowledged: 1 })
        assert.deepStrictEqual(yield* view.get("k"), Option.none())
      }
    }).pipe(Effect.scoped)
  )

  it.effect("is refused where there are none, and where it could not be done, before anything is invalidated", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      yield* cache.set("k", 1, { tags: ["t"] })
      assert.strictEqual(
        (yield* Effect.flip(cache.invalidateTags(["t"], { replicas: 1 })))._tag,
        "CacheUnsupportedError"
      )
      for (const options of [
        { replicas: 0 },
        { replicas: 1.5 },
        { replicas: 1, waitFor: 0 },
        { replicas: 1, waitFor: "Infinity" }
      ] as const) {
        assert.strictEqual((yield* Effect.flip(cache.invalidateTags(["t"], options)))._tag, "CacheInputError")
      }
      assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
    }).pipe(Effect.provide(CacheMemory))
  )
})

it.live("histories on a cluster give nobody what was invalidated, and nearly all calls succeed", () =>
  Effect.gen(function* () {
    const fleet = yield* cluster
    const faults = recordFaults(fleet)
    let fromCache = 0
    for (const isNear of [false, true]) {
      const seen = yield* clusterHistory(fleet, faults, { dice: new Dice("19"), steps: 500, isNear })
      assert.deepStrictEqual(seen.violations, [])
      assert.isBelow(seen.failed, 50)
      fromCache += seen.fromCache
    }
    assert.isAbove(fromCache, 20)
    const { moves, promotions } = faults.counts
    assert.isTrue(promotions > 0 && moves > 0, `${promotions} promotions, ${moves} moves`)
  })
)
