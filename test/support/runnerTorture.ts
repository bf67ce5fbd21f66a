/**
 * Runners that share shards over `EffectRunnerStorage`: each acquires, refreshes and releases as Effect's `Sharding` does, is killed and
 * frozen at random moments, and loses its connections. Each counts its leases from before it asked for them. No two may
 * ever count a shard as theirs at the same time, and a shard of a dead runner must find another.
 */
import { type Clock, Effect, Fiber, Layer } from "effect"
import {
  type RunnerStorage as Storage,
  Runner,
  RunnerAddress,
  RunnerStorage,
  ShardId,
  ShardingConfig
} from "effect/cluster"
import { type ValkeyClient } from "effect-vcache"
import { EffectRunnerStorage } from "effect-vcache/effect"
import { Dice } from "./Dice.ts"
import { pause } from "./pause.ts"

export interface RunnerTortureOptions {
  /** Milliseconds. */
  readonly lasts: number
  readonly seed: string
  readonly client: Layer.Layer<ValkeyClient, unknown>
  /** What goes wrong with the servers now and then. */
  readonly disturb?: Effect.Effect<unknown> | undefined
}

export interface RunnerTortureReport {
  readonly acquired: number
  readonly refreshed: number
  readonly lost: number
  readonly killed: number
  readonly frozen: number
  readonly failed: number
  /** Of a shard that two runners held at one time, in words. */
  readonly violations: ReadonlyArray<string>
  /** Shards that nobody has when all is calm again. */
  readonly orphans: number
}

const lease = 400
const shardCount = 24
const runnerCount = 5

/** Milliseconds of one clock for all runners, which nobody sets. */
const now = Effect.clockWith((clock: Clock.Clock) => Effect.sync(() => Number(clock.monotonicTimeNanosUnsafe()) / 1e6))

/** Who counts a shard as theirs, and until when. */
interface Holding {
  readonly runner: string
  until: number
}

export const runnerTorture = ({
  client,
  disturb,
  lasts,
  seed
}: RunnerTortureOptions): Effect.Effect<RunnerTortureReport> =>
  Effect.scoped(
    Effect.gen(function* () {
      const dice = new Dice(seed)
      const counts = { acquired: 0, refreshed: 0, lost: 0, killed: 0, frozen: 0, failed: 0 }
      const violations: Array<string> = []
      const holdings = new Map<string, Holding>()
      const shards = Array.from({ length: shardCount }, (_, i) => ShardId.make("default", i + 1))
      const started = yield* now
      let isCalm = false
      let names = 0

      const took = (runner: string, shard: string, at: number, until: number) => {
        // A reply that comes after the end of what it grants grants nothing.
        if (until <= at) return
        const holding = holdings.get(shard)
        if (holding !== undefined && holding.runner !== runner && holding.until > at) {
          violations.push(
            `${shard}: ${runner} took it ${Math.round(holding.until - at)} ms before ${holding.runner} let go`
          )
        }
        holdings.set(shard, { runner, until })
      }

      /** One runner, until it is killed. */
      const live = (storage: Storage.RunnerStorage["Service"], name: string, port: number) =>
        Effect.gen(function* () {
          const address = RunnerAddress.make("127.0.0.1", port)
          const own = new Map<string, ShardId.ShardId>()
          const letGo = (shard: string) => {
            own.delete(shard)
            if (holdings.get(shard)?.runner === name) holdings.delete(shard)
          }
          const tried = <A>(effect: Effect.Effect<A, unknown>) =>
            Effect.catch(effect, () => Effect.sync(() => void counts.failed++))
          yield* tried(storage.register(Runner.make({ address, groups: ["default"], weight: 1 }), true))
          for (;;) {
            const sentAt = yield* now
            // What could not be refreshed in time is nobody's.
            for (const shard of own.keys()) if ((holdings.get(shard)?.until ?? 0) <= sentAt) letGo(shard)
            if (own.size > 0) {
              const kept = yield* tried(storage.refresh(address, own.values()))
              if (kept !== undefined) {
                counts.refreshed += kept.length
                const still = new Set(kept.map(String))
                const at = yield* now
                for (const shard of own.keys()) {
                  if (still.has(shard)) took(name, shard, at, sentAt + lease)
                  else {
                    counts.lost++
                    letGo(shard)
                  }
                }
              }
            }
            const wanted = shards.filter((shard) => !own.has(String(shard)) && dice.chance(isCalm ? 1 : 0.3))
            const askedAt = yield* now
            const got = yield* tried(storage.acquire(address, wanted))
            for (const shard of got ?? []) {
              counts.acquired++
              own.set(String(shard), shard)
              took(name, String(shard), yield* now, askedAt + lease)
            }
            if (!isCalm && dice.chance(0.3)) {
              const shard = [...own.values()][dice.below(Math.max(1, own.size))]
              if (shard !== undefined) {
                letGo(String(shard))
                yield* tried(storage.release(address, shard))
              }
            }
            if (!isCalm && dice.chance(0.05)) {
              // As a process that stands still: past its leases it has nothing, whatever it believes.
              counts.frozen++
              yield* pause(dice.below(2 * lease))
            } else yield* pause(10 + dice.below(60))
          }
        })

      const runners = yield* Effect.forEach(Array.from({ length: runnerCount }), (_, i) =>
        Effect.forkChild(
          Effect.gen(function* () {
            for (;;) {
              yield* Effect.scoped(
                Effect.gen(function* () {
                  const context = yield* Effect.orDie(
                    Layer.build(
                      EffectRunnerStorage.layer().pipe(
                        Layer.provide(Layer.fresh(client)),
                        Layer.provide(ShardingConfig.layer({ shardLockExpiration: lease }))
                      )
                    )
                  )
                  const storage = yield* Effect.provideContext(RunnerStorage.RunnerStorage, context)
                  const name = `runner ${++names}`
                  const life = yield* Effect.forkChild(live(storage, name, 4000 + i))
                  yield* isCalm ? Effect.sleep("1 minute") : pause(200 + dice.below(800))
                  // Killed: nothing is given back. Whoever comes after it has its address, and may take its shards at once.
                  counts.killed++
                  yield* Fiber.interrupt(life)
                  for (const [shard, { runner }] of holdings) if (runner === name) holdings.delete(shard)
                })
              )
            }
          })
        )
      )
      while ((yield* now) - started < lasts) {
        yield* pause(100 + dice.below(200))
        if (disturb !== undefined && dice.chance(0.3)) yield* disturb
      }
      isCalm = true
      const orphansNow = Effect.map(now, (calm) =>
        shards.filter((shard) => (holdings.get(String(shard))?.until ?? 0) <= calm)
      )
      yield* pause(3 * lease + 1000)
      let orphans = yield* orphansNow
      // On a busy machine a lease may pass before its runner has its turn.
      for (let waits = 0; orphans.length > 0 && waits < 100; waits++) {
        yield* pause(100)
        orphans = yield* orphansNow
      }
      yield* Fiber.interruptAll(runners)
      return { ...counts, violations, orphans: orphans.length }
    })
  )
