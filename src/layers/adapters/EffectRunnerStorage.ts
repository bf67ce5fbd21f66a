/** Effect Cluster's `RunnerStorage` on our connection: which runners there are, and which of them has which shard. */
import { Duration, Effect, Layer } from "effect"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import { ShardingConfig } from "effect/cluster/ShardingConfig"
import type { Reply } from "../../schema/Command.ts"
import type { Script } from "../../schema/Script.ts"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"
import {
  acquireScript,
  healthScript,
  keysOf,
  refreshScript,
  registerScript,
  releaseScript,
  runnersScript,
  textsIn,
  unregisterScript
} from "./runnerScripts.ts"

/**
 * The options of `layer`.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export interface RunnerStorageOptions {
  /** The five keys of the store start with this text. In a cluster of servers it needs a hash tag. Default: `{effect-cluster}`. */
  readonly prefix?: string | undefined
}

const make = (client: ValkeyClientShape, lease: number, prefix: string): RunnerStorage.RunnerStorage["Service"] => {
  const keys = keysOf(prefix)
  const run = <A>(script: Script, args: ReadonlyArray<string | number>, use: (reply: Reply) => A) =>
    PersistenceError.refail(Effect.map(client.eval(script, keys, args), use))
  return RunnerStorage.makeEncoded({
    register: (address, runner, healthy) => run(registerScript, [address, runner, Number(healthy)], Number),
    unregister: (address) => run(unregisterScript, [address, lease], () => undefined),
    getRunners: run(runnersScript, [lease], (reply) => {
      const found = textsIn(reply)
      return found.flatMap((runner, i) => (i % 2 === 0 ? [[runner, found[i + 1] === "1"] as const] : []))
    }),
    setRunnerHealth: (address, healthy) => run(healthScript, [address, Number(healthy)], () => undefined),
    acquire: (address, shards) => run(acquireScript, [address, lease, ...shards], textsIn),
    refresh: (address, shards) => run(refreshScript, [address, lease, ...shards], textsIn),
    release: (address, shard) => run(releaseScript, [address, shard], () => undefined),
    releaseAll: (address) => run(releaseScript, [address], () => undefined)
  })
}

/**
 * `RunnerStorage` over the provided client. A shard is leased for `shardLockExpiration`, by the clock of the server, and each
 * operation is one script, so that a shard has one lease at a time. A runner that counts its leases from before it asked for
 * them shares no shard with another.
 *
 * That holds for as long as the server keeps what it was told. A failover that loses the last writes may let two runners
 * work on a shard, until the first of them renews its lease and hears that it has lost it: within
 * `shardLockRefreshInterval`. Where that does harm use `SqlRunnerStorage`. It needs a server that evicts no keys without a
 * lifetime. `MessageStorage` needs durability, and is not for a cache: use `SqlMessageStorage`.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { RunnerStorage, ShardingConfig } from "effect/cluster"
 * import { ValkeyMemory } from "effect-vcache"
 * import { EffectRunnerStorage } from "effect-vcache/effect"
 *
 * const live = EffectRunnerStorage.layer().pipe(Layer.provide([ShardingConfig.layer(), ValkeyMemory.layer()]))
 * const runners = RunnerStorage.RunnerStorage.use(({ getRunners }) => getRunners)
 * console.log(Effect.runSync(Effect.provide(runners, live)))
 * // => []
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const layer = ({ prefix = "{effect-cluster}" }: RunnerStorageOptions = {}): Layer.Layer<
  RunnerStorage.RunnerStorage,
  never,
  ValkeyClient | ShardingConfig
> =>
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.gen(function* () {
      const { shardLockExpiration } = yield* ShardingConfig
      const lease = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(shardLockExpiration)))
      return make(yield* ValkeyClient, lease, prefix)
    })
  )
