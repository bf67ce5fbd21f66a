/** What pipelines, transactions and scripts do, whatever the cache stands on. */
import { assert, describe, expectTypeOf, layer } from "@effect/vitest"
import { Effect, Exit, type Layer, Option, Result, Schema } from "effect"
import {
  type CacheError,
  type CacheOptions,
  type CacheQueue,
  CacheScript,
  CacheService,
  Cipher,
  type TypedCache,
  type ValueError
} from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh as freshCache, freshPrefix } from "../support/freshCache.ts"
import { hasSlots } from "../support/hasSlots.ts"

/** A cache with a key space of its own, all in one slot. */
const fresh = (options: Partial<CacheOptions> = {}) => freshCache({ prefix: `{${freshPrefix()}}`, ...options })

const User = Schema.Struct({ id: Schema.Int, born: Schema.DateFromString })

/** Takes from a balance what it holds. */
const spend = CacheScript.make({
  name: "spend",
  keys: ["balance", "log"],
  args: { amount: Schema.Int, when: Schema.DateFromString },
  result: Schema.NullOr(Schema.Number),
  lua: `
local balance = tonumber(redis.call('GET', KEYS[1]) or '0')
if balance < tonumber(ARGV[1]) then return nil end
redis.call('RPUSH', KEYS[2], ARGV[2])
return redis.call('DECRBY', KEYS[1], ARGV[1])`,
  memory: ({ call }, [balance = "", log = ""], [amount = 0, when = ""]) => {
    if (Number(call("GET", balance) ?? 0) < Number(amount)) return null
    call("RPUSH", log, when)
    return call("DECRBY", balance, amount)
  }
})

const when = new Date("2026-11-21T00:00:00.000Z")

export const pipelineContract = (name: string, cacheLayer: Layer.Layer<CacheService, unknown>): void => {
  layer(cacheLayer)(`${name}: queues`, (it) => {
    describe("pipeline", () => {
      it.effect("what each gives, in the form it was asked for", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const program = cache.pipeline((queue) => [
            queue.set("a", { x: 1 }),
            queue.get("a"),
            queue.incr("n", 5, { initial: 0 }),
            queue.hash("h").set("f", [1]),
            queue.list("l").pushRight("x", "y"),
            queue.list("l").range(),
            queue.unorderedSet("s").add(1, 2),
            queue.sortedSet("z").add([["m", 1]]),
            queue.stream("x").add({ f: 1 }, { id: "1-1" }),
            queue.stream("x").group("g").create({ from: "0" }),
            queue.ttl("missing"),
            queue.delete("a"),
            queue.get("a")
          ])
          assert.deepStrictEqual(yield* program, [
            true,
            Option.some({ x: 1 }),
            5,
            true,
            2,
            ["x", "y"],
            2,
            1,
            Option.some("1-1"),
            true,
            Option.none(),
            true,
            Option.none()
          ])
          const named = yield* cache.pipeline((queue) => ({
            count: queue.incr("n", 2),
            field: Effect.map(queue.hash("h").get("f"), Option.getOrNull),
            user: queue.withSchema(User).set("user", { id: 1, born: when })
          }))
          expectTypeOf(named).toEqualTypeOf<{ count: number; field: unknown; user: boolean }>()
          assert.deepStrictEqual(named, { count: 7, field: [1], user: true })
          const [user] = yield* cache.pipeline((queue) => [queue.withSchema(User).get("user")])
          expectTypeOf(user).toEqualTypeOf<Option.Option<{ readonly id: number; readonly born: Date }>>()
          assert.deepStrictEqual(user, Option.some({ id: 1, born: when }))
          assert.deepStrictEqual(yield* cache.pipeline(() => []), [])
        })
      )

      it.effect("one that fails does not fail the others", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.list("l").pushRight(1)
          const results = yield* cache.pipeline(
            (queue) => [queue.set("a", 1), queue.get("l"), queue.get(""), queue.incr("b"), queue.set("c", 3)],
            { mode: "result" }
          )
          expectTypeOf(results[0]).toEqualTypeOf<Result.Result<boolean, ValueError>>()
          const all: ReadonlyArray<Result.Result<unknown, CacheError>> = results
          assert.deepStrictEqual(
            all.map((result) => (Result.isSuccess(result) ? result.success : result.failure._tag)),
            [true, "CacheServerError", "CacheInputError", "CacheMissError", true]
          )
          assert.deepInclude(
            yield* Effect.flip(cache.pipeline((queue) => [queue.set("d", 1), queue.get("l"), queue.set("e", 1)])),
            { code: "WRONGTYPE" }
          )
          assert.isTrue(yield* cache.has("e"))
        })
      )

      it.effect("in their order, whether some take steps of their own or all are one command", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const increments = (queue: CacheQueue<unknown>) =>
            Array.from({ length: 4 }, () => queue.sortedSet("z").incr("m", 1))
          const stepping = (queue: CacheQueue<unknown>) =>
            increments(queue).map((operation, i) =>
              i % 2 === 0 ? Effect.tap(Effect.andThen(Effect.yieldNow, operation), Effect.yieldNow) : operation
            )
          assert.deepStrictEqual(yield* cache.pipeline(increments), [1, 2, 3, 4])
          assert.deepStrictEqual(yield* cache.pipeline(stepping), [5, 6, 7, 8])
          assert.deepStrictEqual(yield* cache.transaction(increments), [9, 10, 11, 12])
          assert.deepStrictEqual(yield* cache.transaction(stepping), [13, 14, 15, 16])
          const throwing = {
            toJSON: () => {
              throw new Error("thrown")
            }
          }
          const spoilt = (queue: CacheQueue<unknown>) => [queue.set("a", throwing), queue.set("b", 1)]
          assert.isTrue(Exit.isFailure(yield* Effect.exit(cache.transaction(spoilt))))
          assert.isFalse(yield* cache.has("b"))
          const [first, second] = yield* cache.pipeline(spoilt, { mode: "result" })
          assert.isTrue(first !== undefined && Result.isFailure(first))
          assert.deepStrictEqual(second, Result.succeed(true))
        })
      )

      it.effect("2 000 operations, in any format", () =>
        Effect.gen(function* () {
          const cache = yield* fresh({ cipher: Cipher.aes256gcm([keyOf(3)]) })
          const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`)
          const results = yield* cache.pipeline((queue) => [
            ...keys.map((key) => queue.set(key, key)),
            ...keys.map((key) => queue.get(key))
          ])
          assert.deepStrictEqual(results, [...keys.map(() => true), ...keys.map(Option.some)])
        })
      )

      it.effect("what is queued runs nowhere else, and what needs more steps is refused", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          let escaped: Effect.Effect<unknown, CacheError> = Effect.void
          yield* cache.pipeline((queue) => {
            escaped = queue.get("a")
            return []
          })
          assert.strictEqual((yield* Effect.flip(escaped))._tag, "CacheInputError")
          const waits = cache.transaction((queue) => [
            queue.set("a", 1),
            queue.list("l").moveTo("m", { timeout: "1 second" })
          ])
          assert.strictEqual((yield* Effect.flip(waits))._tag, "CacheUnsupportedError")
          assert.isFalse(yield* cache.has("a"))
        })
      )
    })

    describe("transaction", () => {
      it.effect("all as one step", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("from", 100)
          const [left, moved, log] = yield* cache.transaction((queue) => [
            queue.decr("from", 30),
            queue.incr("to", 30, { initial: 0 }),
            queue.list("log").pushRight({ moved: 30 })
          ])
          expectTypeOf(moved).toEqualTypeOf<number>()
          assert.deepStrictEqual([left, moved, log], [70, 30, 1])
          // Nobody sees what is in between.
          const transfer = cache.transaction((queue) => [queue.decr("from"), queue.incr("to")])
          const look = Effect.map(
            cache.transaction((queue) => [queue.incr("from", 0), queue.incr("to", 0)]),
            ([a, b]) => a + b
          )
          const sums = yield* Effect.forEach(
            Array.from({ length: 200 }, (_, i) => i),
            (i) => (i % 2 === 0 ? Effect.as(transfer, 100) : look),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual([...new Set(sums)], [100])
        })
      )

      it.effect("a part that is refused keeps all of it from being sent", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const transactions: ReadonlyArray<Effect.Effect<unknown, CacheError>> = [
            cache.transaction((queue) => [queue.set("a", 1), queue.get("")]),
            cache.transaction((queue) => [queue.set("a", 1), queue.withSchema(Schema.Int).set("b", 0.5)])
          ]
          for (const transaction of transactions) {
            const error: CacheError = yield* Effect.flip(transaction)
            assert.include(["CacheInputError", "CacheCodecError"], error._tag)
          }
          assert.isFalse(yield* cache.has("a"))
        })
      )

      it.effect("one that fails on the server undoes nothing, and says that", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.hash("h").set("f", 1)
          const error = yield* Effect.flip(
            cache.transaction((queue) => [queue.set("a", 1), queue.list("h").pushLeft(1)])
          )
          assert.deepInclude(error, { _tag: "CacheServerError", code: "WRONGTYPE", mayHaveExecuted: true })
          assert.isTrue(yield* cache.has("a"))
        })
      )

      it.effect("keys in several slots: unsupported in a cluster and in a ring, and nowhere else", () =>
        Effect.gen(function* () {
          const cache = yield* freshCache()
          const transaction = Effect.result(cache.transaction((queue) => [queue.set("a", 1), queue.set("b", 2)]))
          const result = yield* transaction
          if (hasSlots(cache.client)) {
            assert.isTrue(Result.isFailure(result))
            if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "CacheUnsupportedError")
            assert.isFalse(yield* cache.has("a"))
          } else {
            assert.isTrue(Result.isSuccess(result))
          }
        })
      )
    })

    describe("script", () => {
      it.effect("typed keys, arguments and result", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          yield* cache.set("balance", 10)
          const input = { keys: { balance: "balance", log: "log" }, args: { amount: 4, when } }
          const left = yield* cache.script(spend, input)
          expectTypeOf(left).toEqualTypeOf<number | null>()
          assert.strictEqual(left, 6)
          assert.strictEqual(yield* cache.script(spend, input), 2)
          assert.strictEqual(yield* cache.script(spend, input), null)
          assert.strictEqual(yield* cache.script(spend, { ...input, version: 2 }), null)
          assert.deepStrictEqual(yield* cache.client.send("LRANGE", [cache.makeKey("log"), 0, 0]), [when.toISOString()])
          // In a queue, too.
          yield* cache.set("balance", 4)
          assert.deepStrictEqual(
            yield* cache.transaction((queue) => [queue.incr("balance", 1), queue.script(spend, input)]),
            [5, 1]
          )
        })
      )

      it.effect("keys as they are, where it says so", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const read = CacheScript.make({
            name: "read",
            keys: ["key"],
            args: {},
            result: Schema.NullOr(Schema.String),
            prefix: false,
            lua: "return redis.call('GET', KEYS[1])",
            memory: ({ call }, [key = ""]) => call("GET", key)
          })
          yield* cache.set("a", "v")
          assert.strictEqual(yield* cache.script(read, { keys: { key: cache.makeKey("a") }, args: {} }), '"v"')
          assert.strictEqual(yield* cache.script(read, { keys: { key: "a" }, args: {} }), null)
        })
      )

      it.effect("what does not fit the schemas is an error that tells no value", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const echo = CacheScript.make({
            name: "echo",
            keys: [],
            args: { text: Schema.NonEmptyString },
            result: Schema.Struct({ a: Schema.Number }),
            lua: "return ARGV[1]",
            memory: (_, __, [text = ""]) => String(text)
          })
          const decoding = yield* Effect.flip(cache.script(echo, { keys: {}, args: { text: "SECRET" } }))
          assert.deepInclude(decoding, { _tag: "CacheCodecError", direction: "decode", operation: "script.echo" })
          assert.notInclude(`${JSON.stringify(decoding)}${decoding.message}`, "SECRET")
          const encoding = yield* Effect.flip(cache.script(echo, { keys: {}, args: { text: "" } }))
          assert.deepInclude(encoding, { _tag: "CacheCodecError", direction: "encode" })
          const keyless = yield* Effect.flip(
            cache.script(spend, { keys: { balance: "", log: "l" }, args: { amount: 1, when } })
          )
          assert.strictEqual(keyless._tag, "CacheInputError")
          const fails = CacheScript.make({
            name: "fails",
            keys: [],
            args: {},
            result: Schema.Unknown,
            lua: "return redis.error_reply('NOFUNDS none')",
            memory: ({ fail }) => fail("NOFUNDS none")
          })
          assert.deepInclude(yield* Effect.flip(cache.script(fails, { keys: {}, args: {} })), { code: "NOFUNDS" })
        })
      )

      it.effect("without a twin there is none in memory", () =>
        Effect.gen(function* () {
          const cache = yield* fresh()
          const plain = CacheScript.make({ name: "one", keys: [], args: {}, result: Schema.Number, lua: "return 1" })
          const result = yield* Effect.result(cache.script(plain, { keys: {}, args: {} }))
          if (cache.client.topology === "memory") {
            assert.strictEqual(Result.isFailure(result) && result.failure._tag, "CacheUnsupportedError")
          } else {
            assert.deepStrictEqual(result, Result.succeed(1))
          }
        })
      )
    })
  })
}

/** What can be queued is checked by the compiler. */
export const types = (cache: TypedCache<unknown>) => [
  // @ts-expect-error it takes several steps
  cache.pipeline((queue) => [queue.getOrSet("a", Effect.succeed(1))]),
  // @ts-expect-error it waits
  cache.transaction((queue) => [queue.list("l").awaitLeft("1 second")]),
  // @ts-expect-error there is no such key
  cache.script(spend, { keys: { balance: "a" }, args: { amount: 1, when } }),
  // @ts-expect-error of another type
  cache.script(spend, { keys: { balance: "a", log: "b" }, args: { amount: "1", when } })
]
