/** A mixed load through everything that can happen to a cluster: slots that move, a failover by an operator, a crash. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Option, Result } from "effect"
import { type CacheError, ValkeyCluster } from "effect-vcache"
import { startCluster } from "../support/ClusterFleet.ts"
import { assertNoSecrets, connectTo, profile, slack, test, watchForTraces, withCache } from "../support/faults.ts"
import { ownTime } from "../support/ownTime.ts"
import { pause } from "../support/pause.ts"
import { assertSigned, writeSigned } from "../support/signed.ts"
import { until } from "../support/until.ts"

watchForTraces()

interface Write {
  /** Of a deletion: undefined. */
  readonly turn: number | undefined
  readonly startedAt: number
  endedAt: number
  /** Whether it was reported as done, may have been, or was not. */
  state: "done" | "unknown" | "not done"
}

test(
  "20 000 mixed operations: no wrong value, nothing unsettled, typed failures only",
  () =>
    Effect.gen(function* () {
      const fleet = yield* startCluster({ fullCoverage: "no" })
      const { cache, client } = yield* connectTo(
        withCache(ValkeyCluster.layer({ ...profile, commandTimeout: 1000, url: fleet.url }))
      )
      const histories = new Map<string, Array<Write>>()
      const wrong: Array<unknown> = []
      const failed = new Map<string, number>()
      /** What was confirmed between the two a crash may take with it, because replication is asynchronous. */
      let replicatedAt = Infinity
      let crashedAt = -Infinity
      let started = 0
      let settled = 0
      let slowest = 0
      let isRunning = true

      const timed = <A>(operation: Effect.Effect<A, CacheError>) =>
        Effect.suspend(() => {
          started++
          const from = ownTime()
          return Effect.map(Effect.result(operation), (result) => {
            settled++
            slowest = Math.max(slowest, ownTime() - from)
            if (Result.isFailure(result)) {
              const { failure } = result
              if (!/^Cache(?:Connection|Timeout|Server)Error$/.test(failure._tag)) wrong.push(failure)
              assertNoSecrets(failure)
              const code = "code" in failure ? failure.code : failure._tag
              failed.set(String(code), (failed.get(String(code)) ?? 0) + 1)
            }
            return result
          })
        })

      const write = (key: string, turn: number | undefined, operation: Effect.Effect<unknown, CacheError>) =>
        Effect.gen(function* () {
          const entry: Write = { turn, startedAt: ownTime(), endedAt: Infinity, state: "unknown" }
          const history = histories.get(key) ?? []
          histories.set(key, history)
          history.push(entry)
          const result = yield* timed(operation)
          entry.endedAt = ownTime()
          if (Result.isSuccess(result)) entry.state = "done"
          else if (!("mayHaveExecuted" in result.failure && result.failure.mayHaveExecuted)) entry.state = "not done"
        })

      /** What may be there: what was last reported as done, and everything since that may have been. */
      const check = (key: string, writer: string, found: unknown) => {
        const seen = found === undefined ? undefined : assertSigned(found, key, writer).turn
        const history = histories.get(key) ?? []
        const last = history.findLastIndex(
          ({ endedAt, startedAt, state }) => state === "done" && (endedAt < replicatedAt || startedAt > crashedAt)
        )
        const possible = history.slice(Math.max(0, last)).filter(({ state }) => state !== "not done")
        const turns = new Set(possible.map(({ turn }) => turn))
        if (last < 0) turns.add(undefined)
        if (!turns.has(seen)) wrong.push({ key, seen, history })
      }

      /** Each worker has keys of its own, so that it knows what must be in them. */
      const worker = (id: number) =>
        Effect.gen(function* () {
          for (let i = 0; isRunning; i++) {
            const writer = `w${id}`
            const key = `w${id}:${i % 40}`
            const others = [1, 2, 3].map((j) => `w${id}:${(i + j * 7) % 40}`)
            yield* write(key, i, writeSigned(cache, key, writer, i))
            const one = yield* timed(cache.get(key))
            if (Result.isSuccess(one)) check(key, writer, Option.getOrUndefined(one.success))
            const many = yield* timed(cache.getMany(others))
            if (Result.isSuccess(many)) for (const other of others) check(other, writer, many.success.get(other))
            // The machine has other tests to run.
            yield* pause(3)
            if (i % 5 === 0) yield* write(key, undefined, cache.delete(key))
            if (i % 7 === 0) {
              const counter = cache.makeKey(`c${id}:${i}`)
              // A number of this worker's turn alone.
              const number = i * 100 + id
              const result = yield* timed(
                client.transaction([
                  { name: "SET", args: [counter, number] },
                  { name: "INCR", args: [counter] }
                ])
              )
              if (Result.isSuccess(result) && result.success[1] !== number + 1) wrong.push({ counter, result })
            }
          }
        })

      const workers = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 16 }, (_, id) => id),
          worker,
          { concurrency: "unbounded", discard: true }
        )
      )
      const [first, second, third] = fleet.servers
      yield* fleet.move(
        Array.from({ length: 60 }, (_, i) => i),
        first!,
        second!
      )
      yield* fleet.servers[4]!.call("CLUSTER", "FAILOVER")
      yield* pause(500)
      const failuresBefore = new Map(failed)
      replicatedAt = ownTime()
      yield* third!.replicated(1)
      yield* fleet.setDownAfter(1000)
      yield* third!.kill
      crashedAt = ownTime()
      yield* until(
        "a replica in its primary's place",
        fleet.ownerOf(16_383),
        (owner) => owner !== undefined && owner !== third
      )
      yield* until(
        "20 000 operations",
        Effect.sync(() => started),
        (count) => count >= 20_000,
        { atMost: 60_000 }
      )
      isRunning = false
      yield* Fiber.join(workers)

      assert.deepStrictEqual(wrong.slice(0, 3), [])
      assert.strictEqual(settled, started)
      assert.isAtLeast(started, 20_000)
      assert.isBelow(slowest, 1000 + slack)
      // What moves by order of an operator is not noticed; what crashes is.
      assert.isAtMost(
        [...failuresBefore.values()].reduce((sum, count) => sum + count, 0),
        started / 1000
      )
      assert.isAbove(failed.size, 0)
      // And it is over.
      yield* until("a healthy cache", cache.health, ({ ready }) => ready)
    }),
  120_000
)
