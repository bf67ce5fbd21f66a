/** Effect Cluster's `RunnerStorage` on Valkey: what its interface asks for, Effect's own sharding over it, and runners that are killed. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Scope } from "effect"
import {
  MessageStorage,
  Runner,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  ShardId,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import { TestClock } from "effect/testing"
import { type ValkeyClient, ValkeyCluster, ValkeyMemory, ValkeyStandalone } from "effect-vcache"
import { EffectRunnerStorage } from "effect-vcache/effect"
import { startTinyCluster } from "../support/ClusterFleet.ts"
import { patient, test } from "../support/faults.ts"
import { runnerTorture } from "../support/runnerTorture.ts"
import { sharedInFile } from "../support/sharedInFile.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

const server = sharedInFile(startServer())
const cluster = sharedInFile(startTinyCluster())

const clients: Readonly<Record<string, Effect.Effect<Layer.Layer<ValkeyClient, unknown>>>> = {
  memory: Effect.succeed(ValkeyMemory.layer()),
  "one server": Effect.map(server, ({ url }) => ValkeyStandalone.layer({ ...patient, url })),
  cluster: Effect.map(cluster, ({ node }) => ValkeyCluster.layer({ ...patient, url: `cluster://${node}` }))
}

let storages = 0

const shards = [1, 2, 3].map((id) => ShardId.make("default", id))
const [one, two] = [RunnerAddress.make("localhost", 1), RunnerAddress.make("localhost", 2)]
const runnerAt = (address: RunnerAddress.RunnerAddress) => Runner.make({ address, groups: ["default"], weight: 1 })
const ids = (shards: ReadonlyArray<ShardId.ShardId>) => shards.map(({ id }) => id)

const open = (client: Layer.Layer<ValkeyClient, unknown>, shardLockExpiration: number) =>
  Effect.map(
    Effect.orDie(
      Layer.build(
        EffectRunnerStorage.layer({ prefix: `{runners${++storages}}` }).pipe(
          Layer.provide(client),
          Layer.provide(ShardingConfig.layer({ shardLockExpiration }))
        )
      )
    ),
    Context.get(RunnerStorage.RunnerStorage)
  )

for (const [name, client] of Object.entries(clients)) {
  describe(name, () => {
    test("runners: registered, seen, well or not, gone", () =>
      Effect.gen(function* () {
        const storage = yield* open(yield* client, 60_000)
        assert.strictEqual(yield* storage.register(runnerAt(one), true), 1)
        assert.strictEqual(yield* storage.register(runnerAt(one), true), 1)
        assert.strictEqual(yield* storage.register(runnerAt(two), false), 2)
        assert.sameDeepMembers(yield* storage.getRunners, [
          [runnerAt(one), true],
          [runnerAt(two), false]
        ])
        yield* storage.setRunnerHealth(one, false)
        yield* storage.unregister(two)
        yield* storage.setRunnerHealth(two, true)
        assert.deepStrictEqual(yield* storage.getRunners, [[runnerAt(one), false]])
        yield* storage.unregister(one)
        assert.deepStrictEqual(yield* storage.getRunners, [])
      }))

    test("shards: one runner each, renewed, given back", () =>
      Effect.gen(function* () {
        const storage = yield* open(yield* client, 60_000)
        yield* storage.register(runnerAt(one), true)
        assert.deepStrictEqual(yield* storage.acquire(one, []), [])
        for (let i = 0; i < 2; i++) assert.deepStrictEqual(ids(yield* storage.acquire(one, shards)), [1, 2, 3])
        assert.deepStrictEqual(yield* storage.acquire(two, shards), [])
        assert.deepStrictEqual(yield* storage.refresh(two, shards), [])
        assert.deepStrictEqual(ids(yield* storage.refresh(one, shards)), [1, 2, 3])
        // Not hers to give back.
        yield* storage.release(two, shards[0]!)
        yield* storage.releaseAll(two)
        yield* storage.release(one, shards[1]!)
        assert.deepStrictEqual(ids(yield* storage.acquire(two, shards)), [2])
        assert.deepStrictEqual(ids(yield* storage.refresh(one, shards)), [1, 3])
        yield* storage.releaseAll(one)
        assert.deepStrictEqual(ids(yield* storage.acquire(two, shards)), [1, 2, 3])
      }))

    test("leases end: of the dead, of those that are no longer registered, and with them their registration", () =>
      Effect.gen(function* () {
        const storage = yield* open(yield* client, 300)
        yield* storage.register(runnerAt(one), true)
        yield* storage.acquire(one, shards)
        yield* until("the shards of a dead runner", storage.acquire(two, shards), (got) => got.length === 3)
        assert.deepStrictEqual(yield* storage.getRunners, [])
        assert.deepStrictEqual(yield* storage.refresh(one, shards), [])
        assert.deepStrictEqual(yield* storage.getRunners, [[runnerAt(one), true]])
        // Stuck in its end: it goes on to refresh.
        yield* storage.register(runnerAt(two), true)
        yield* storage.refresh(two, shards)
        yield* storage.unregister(two)
        assert.deepStrictEqual(ids(yield* storage.refresh(two, shards)), [1, 2, 3])
        yield* until(
          "the shards of a runner that is not registered",
          Effect.andThen(storage.refresh(two, shards), storage.acquire(one, shards)),
          (got) => got.length === 3
        )
      }))
  })
}

it.effect("a lease is not over before its runner has counted it to its end, between two milliseconds", () =>
  Effect.gen(function* () {
    const storage = yield* open(ValkeyMemory.layer(), 1000)
    yield* storage.register(runnerAt(one), true)
    // The runner counts from here on, by a clock that is finer than the server's.
    yield* TestClock.adjust("900 micros")
    yield* storage.acquire(one, shards)
    yield* TestClock.adjust("999 millis")
    yield* TestClock.adjust("500 micros")
    assert.deepStrictEqual(yield* storage.acquire(two, shards), [])
    yield* TestClock.adjust("1 millis")
    assert.deepStrictEqual(ids(yield* storage.acquire(two, shards)), [1, 2, 3])
  })
)

test("Effect's own sharding: each shard has one runner, and another when it ends", () =>
  Effect.gen(function* () {
    const client = yield* clients["one server"]!
    const shardsPerGroup = 12
    const start = (port: number) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const config = ShardingConfig.layer({
          runnerAddress: Option.some(RunnerAddress.make("localhost", port)),
          shardsPerGroup,
          shardLockExpiration: 2000,
          shardLockRefreshInterval: 300,
          refreshAssignmentsInterval: 100
        })
        const layer = Sharding.layer.pipe(
          Layer.provide(Runners.layerNoop),
          Layer.provide(RunnerHealth.layerNoop),
          Layer.provide(MessageStorage.layerNoop),
          Layer.provide(EffectRunnerStorage.layer().pipe(Layer.provide(Layer.fresh(client)))),
          Layer.provide(config)
        )
        const sharding = Context.get(yield* Effect.orDie(Scope.provide(Layer.build(layer), scope)), Sharding.Sharding)
        const all = Array.from({ length: shardsPerGroup }, (_, i) => ShardId.make("default", i + 1))
        return {
          held: Effect.sync(() => all.filter((shard) => sharding.hasShardId(shard)).map(({ id }) => id)),
          end: Scope.close(scope, Exit.void)
        }
      })
    const [first, second] = [yield* start(7001), yield* start(7002)]
    yield* until(
      "both to have shards, all of them together",
      Effect.all([first.held, second.held]),
      ([a, b]) =>
        a.length > 0 &&
        b.length > 0 &&
        new Set([...a, ...b]).size === shardsPerGroup &&
        a.length + b.length === shardsPerGroup
    )
    yield* first.end
    yield* until("the other to have all", second.held, ({ length }) => length === shardsPerGroup)
    yield* second.end
  }))

test("a short run of `npm run runners`: killed and frozen runners share no shard, and leave none behind", () =>
  Effect.gen(function* () {
    const { call, url } = yield* server
    const report = yield* runnerTorture({
      lasts: 2500,
      seed: "suite",
      client: ValkeyStandalone.layer({ url, commandTimeout: "300 millis" }),
      disturb: call("CLIENT", "KILL", "TYPE", "normal")
    })
    assert.deepStrictEqual(report.violations, [])
    assert.strictEqual(report.orphans, 0)
    assert.isAbove(report.killed, 3)
    assert.isAbove(report.acquired, 50)
  }))
