/** Every reply goes to whoever asked, whatever happens to the servers meanwhile; and where it does not, a storm finds it. */
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import { type CacheError, ValkeyCluster, ValkeyStandalone } from "effect-vcache"
import { startTinyCluster } from "../support/ClusterFleet.ts"
import { allTyped, connectTo, expectTimeout, profile, test, watchForTraces, withCache } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { storm } from "../support/storm.ts"
import { type StormyTopology, stormyTopologies } from "../support/stormyTopologies.ts"
import { startSwappingProxy } from "../support/swappingProxy.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

const { commandTimeout } = profile
const failuresOf = (results: ReadonlyArray<Result.Result<unknown, CacheError>>) =>
  results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
const none = { wrong: 0, mixedUp: 0, untyped: 0, late: 0 }

for (const [topology, start] of Object.entries(stormyTopologies)) {
  const throughFaults = () =>
    Effect.gen(function* () {
      const { client, faults, standIn }: StormyTopology = yield* start({})
      const { cache } = yield* connectTo(withCache(client(profile)))
      const report = yield* storm(cache, {
        reads: 20_000,
        faults: faults.map(({ make }) => make),
        commandTimeout,
        standIn,
        atMost: 200_000
      })
      assert.deepStrictEqual([report.violations, report.examples], [none, []])
      assert.isAtLeast(report.checked, 20_000)
      assert.isAtLeast(report.faults, faults.length)
    })
  test(`${topology}: 20 000 reads through every fault, each value of the key asked for`, throughFaults, 240_000)
}

const isBulk = (frame: Buffer) => frame[0] === 0x24 && frame[1] !== 0x2d
const isGet = (frame: Buffer) => frame.includes("\r\nGET\r\n")

for (const [what, of, mayChange] of [
  ["requests are overtaken on the wire", "requests", isGet],
  ["replies of one type are swapped", "replies", isBulk]
] as const) {
  test(`counter-proof: where ${what}, the storm finds values of other keys`, () =>
    Effect.gen(function* () {
      const { port } = yield* startServer()
      const proxy = yield* startSwappingProxy({
        targetPort: port,
        of,
        mayChange: (first, second) => mayChange(first) && mayChange(second)
      })
      const { cache } = yield* connectTo(withCache(ValkeyStandalone.layer({ ...profile, url: proxy.url })))
      const { violations } = yield* storm(cache, { reads: 5000, commandTimeout })
      assert.isAbove(proxy.swapped(), 10)
      // Two replies for each swap; some of those swapped were of the same key.
      assert.isAbove(violations.wrong, proxy.swapped())
    }))
}

test("what iovalkey's own cluster client ends commands with is typed", () =>
  Effect.gen(function* () {
    const server = yield* startTinyCluster("--cluster-announce-ip", "127.0.0.1")
    const { client } = yield* connectTo(withCache(ValkeyCluster.layer({ ...profile, url: `cluster://${server.node}` })))
    const ask = Effect.result(client.use((raw) => raw.get("k")))
    const askOften = Effect.all(
      Array.from({ length: 20 }, () => ask),
      { concurrency: "unbounded" }
    )
    assert.deepStrictEqual(yield* ask, Result.succeed(null))
    yield* server.freeze
    for (const result of yield* askOften) expectTimeout(yield* Effect.flip(Effect.fromResult(result)), "command", true)
    yield* server.kill
    allTyped(failuresOf(yield* askOften))
    yield* pause(100)
    const errors = failuresOf(yield* askOften)
    allTyped(errors)
    assert.lengthOf(errors, 20)
  }))
