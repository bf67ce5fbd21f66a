/** Every reply goes to the one who asked, whoever else writes to the connection. Values name their keys. */
import { assert, describe } from "@effect/vitest"
import { Effect, Result } from "effect"
import { type CacheError, ValkeyCluster } from "effect-vcache"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { startCluster } from "../support/ClusterFleet.ts"
import { connect, connector, patient, test, watchForTraces } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { startServer } from "../support/ValkeyServer.ts"

watchForTraces()

type Key = `k${number}`
const keys = Array.from({ length: 30 }, (_, i): Key => `k${i}`)
const valueOf = (key: string): string => `the value of ${key}`

/** When callers begin: within a turn of the event loop, at its end, or in the next one. */
const beginnings: Readonly<Record<string, Effect.Effect<unknown>>> = {
  "at once": Effect.void,
  "in a microtask": Effect.promise(() => Promise.resolve()),
  "after several microtasks": Effect.promise(async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }),
  "in process.nextTick": Effect.promise(() => new Promise<void>((resolve) => process.nextTick(resolve))),
  "in a timer": pause(1),
  "in an immediate": Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
}

describe("one server", () => {
  for (const [beginning, begin] of Object.entries(beginnings)) {
    test(`iovalkey's own commands beside ours, ${beginning}`, () =>
      Effect.gen(function* () {
        const server = yield* startServer()
        const { client } = yield* connect(server.url, patient)
        for (const key of keys) yield* client.send("SET", [key, valueOf(key)])

        const ours = (key: Key) => client.send("GET", [key])
        const bytes = (key: Key) =>
          Effect.map(client.send("GET", [key], { reply: "buffer" }), (reply) =>
            Buffer.from(reply as Uint8Array).toString()
          )
        const theirs = (key: Key) => client.use((raw) => raw.get(key))
        const pipelined = (key: Key) =>
          client.use(async (raw) => (await raw.pipeline().get(key).get("k0").get(key).exec())?.[2]?.[1])
        const multi = (key: Key) => client.use(async (raw) => (await raw.multi().get("k1").get(key).exec())?.[1]?.[1])
        const transaction = (key: Key) =>
          Effect.map(
            client.transaction([
              { name: "GET", args: ["k0"] },
              { name: "GET", args: [key] }
            ]),
            ([, reply]) => reply
          )
        const ways = [ours, theirs, bytes, pipelined, ours, multi, transaction]

        const read = (key: Key, i: number) =>
          Effect.andThen(
            begin,
            Effect.map(ways[i % ways.length]!(key), (value) => [key, value] as const)
          )
        for (let round = 0; round < 20; round++) {
          const answers = yield* Effect.forEach(keys, (key, i) => read(key, i + round), { concurrency: "unbounded" })
          for (const [key, value] of answers) assert.strictEqual(value, valueOf(key))
        }
      }))
  }

  test("commands that are begun while a reply is handed out", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, patient)
      for (const key of keys) yield* client.send("SET", [key, valueOf(key)])
      const chain = (key: Key, length: number): Effect.Effect<void, CacheError> =>
        client.request("GET", [key], (reply) => {
          assert.strictEqual(reply, valueOf(key))
          const other = keys[(keys.indexOf(key) + length) % keys.length]!
          if (length === 0) return Effect.void
          return Effect.asVoid(
            Effect.all(
              [
                chain(other, length - 1),
                Effect.map(
                  client.use((raw) => raw.get(key)),
                  (value) => assert.strictEqual(value, valueOf(key))
                )
              ],
              { concurrency: "unbounded" }
            )
          )
        })
      yield* Effect.forEach(keys, (key) => chain(key, 20), { concurrency: "unbounded" })
    }))
})

describe("a cluster with a primary down", () => {
  for (const beginning of ["in a microtask", "after several microtasks", "in process.nextTick"]) {
    test(
      `reads of its keys and of others together, ${beginning}`,
      () =>
        Effect.gen(function* () {
          const fleet = yield* startCluster({ replicas: 0, fullCoverage: "no" })
          const { client } = yield* connector(ValkeyCluster.layer).connect({ url: fleet.url, ...patient })
          for (const key of keys) yield* client.send("SET", [key, valueOf(key)])
          yield* fleet.servers[2]!.kill
          const isLost = (key: Key) => slotOfKey(key) >= 10_923
          assert.isTrue(keys.some(isLost))
          assert.isFalse(keys.every(isLost))

          // Asking for a key that nobody serves makes the client ask for the slots, which it does at once.
          let right = 0
          for (let round = 0; round < 25; round++) {
            const answers = yield* Effect.forEach(
              keys,
              (key) => Effect.andThen(beginnings[beginning]!, Effect.result(client.send("GET", [key]))),
              { concurrency: "unbounded" }
            )
            for (const [i, key] of keys.entries()) {
              const answer = answers[i]!
              if (isLost(key)) assert.isTrue(Result.isFailure(answer), `${key} is on the server that is down`)
              else assert.deepStrictEqual(answer, Result.succeed(valueOf(key)))
              if (Result.isSuccess(answer)) right++
            }
            yield* pause(60)
          }
          assert.isAbove(right, 0)
        }),
      60_000
    )
  }
})
