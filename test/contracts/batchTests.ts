/** What `getOrSetMany` does as `getOrSet` does it, on every topology: a part of the contract of lookups, whose servers it shares. */
import { assert, describe, type Vitest } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  CacheLookup,
  CacheRegion,
  type CacheService,
  Cipher,
  isLookupError,
  type Stale,
  type TypedCache
} from "effect-vcache"
import { keyOf } from "../support/formats.ts"
import { fresh } from "../support/freshCache.ts"
import { joining } from "../support/joining.ts"
import { stored } from "../support/stored.ts"
import { twentyFailures } from "../support/twentyFailures.ts"
import { until } from "../support/until.ts"

class NotFound extends Schema.TaggedError<NotFound>("test/batch/NotFound")("NotFound", { key: Schema.String }) {}

const cacheFailures = { errors: NotFound, timeToLive: "1 hour" } as const
const hour = { timeToLive: "1 hour" } as const

type Shown = ReadonlyMap<string, Stale<unknown>>

/** Gives each key that value, and notes what it was asked and shown. */
const noting = (value: unknown) => {
  const asked: Array<ReadonlyArray<string>> = []
  const shown: Array<ReadonlyArray<readonly [string, unknown]>> = []
  const lookup = (keys: ReadonlyArray<string>, stale: Shown) =>
    Effect.sync(() => {
      asked.push(keys)
      shown.push(Array.from(stale, ([key, { value }]) => [key, value] as const))
      return keys.map((key) => [key, value] as const)
    })
  return { asked, shown, lookup }
}

/** Fails for keys that begin with "no", and has a value for all others. */
const finding = (asked: Array<ReadonlyArray<string>> = []) => ({
  asked,
  lookup: (keys: ReadonlyArray<string>) =>
    Effect.sync(() => {
      asked.push(keys)
      return keys.map((key) =>
        key.startsWith("no") ? CacheLookup.failed(key, new NotFound({ key })) : ([key, `value of ${key}`] as const)
      )
    })
})

const holds = <A>(cache: Pick<TypedCache<A>, "get">, key: string, value: A) =>
  until(key, cache.get(key), (found) => Option.contains(found, value), { every: 1 })

export const batchTests = (it: Vitest.MethodsNonLive<CacheService>): void => {
  describe("the lookup of a batch", () => {
    it.effect("is shown what is stale, and may say that it has not changed", () =>
      Effect.gen(function* () {
        for (const options of [hour, { ...hour, cipher: Cipher.aes256gcm([keyOf(1)]) }]) {
          const cache = yield* fresh(options)
          const kept = { timeToLive: "10 seconds", keepFor: "1 hour" } as const
          yield* cache.getOrSetMany(["past", "other"], noting("old").lookup, kept)
          yield* stored(cache, "past", "other")
          yield* TestClock.adjust("11 seconds")
          const same = (keys: ReadonlyArray<string>, stale: Shown) =>
            Effect.succeed(keys.flatMap((key) => (stale.has(key) ? [[key, stale.get(key)!.unchanged()] as const] : [])))
          const found = yield* cache.getOrSetMany(["past", "new", "other"], same, kept)
          assert.deepStrictEqual(
            [...found],
            [
              ["past", "old"],
              ["other", "old"]
            ]
          )
          yield* holds(cache, "past", "old")

          yield* cache.setMany({ marked: 1, tagged: 2, gone: 3 }, { tags: (key) => [key, "all"] })
          yield* cache.markStale("marked")
          yield* cache.invalidateTags(["tagged"], { mode: "stale" })
          yield* cache.invalidateTags(["gone"])
          for (const key of ["marked", "tagged"]) {
            const { lookup, shown } = noting("new")
            yield* cache.getOrSetMany([key], lookup)
            yield* holds(cache, key, "new")
            assert.deepStrictEqual(shown, [[[key, key === "marked" ? 1 : 2]]])
          }
          const { lookup, shown } = noting("new")
          yield* cache.getOrSetMany(["gone"], lookup)
          assert.deepStrictEqual(shown, [[]])
        }
      })
    )

    it.effect("leaves a value that has not changed its tags, and is shown none that they have removed", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        yield* cache.setMany({ a: 1, b: 2 }, { tags: (key) => [key] })
        yield* cache.invalidateTags(["a", "b"], { mode: "stale" })
        const seen: Array<ReadonlyArray<string>> = []
        yield* cache.getOrSetMany(["a", "b"], (_, stale) =>
          Effect.sync(() => {
            seen.push([...stale.keys()])
            return Array.from(stale, ([key, { unchanged }]) => [key, unchanged()] as const)
          })
        )
        yield* holds(cache, "a", 1)
        yield* holds(cache, "b", 2)
        assert.deepStrictEqual(seen, [["a", "b"]])
        assert.deepStrictEqual(yield* cache.tagsOf("b"), Option.some(["b"]))
        yield* cache.invalidateTags(["a"])
        assert.deepStrictEqual([...(yield* cache.getMany(["a", "b"])).keys()], ["b"])
        // What is removed while the lookup runs does not come back as unchanged.
        yield* cache.markStale("b")
        const gate = yield* Deferred.make<void>()
        yield* cache.getOrSetMany(["b"], (_, stale) =>
          Effect.as(
            Effect.andThen(Deferred.await(gate), Effect.void),
            Array.from(stale, ([key, { unchanged }]) => [key, unchanged()] as const)
          )
        )
        yield* cache.invalidateTags(["b"])
        yield* Deferred.succeed(gate, undefined)
        yield* stored(cache, "b")
        yield* Effect.repeat(Effect.yieldNow, { times: 50 })
        assert.deepStrictEqual(yield* cache.get("b"), Option.none())
      })
    )

    it.effect("is waited for as long as softTimeout says, by those who have stale values at hand", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        const options = { softTimeout: "1 second" } as const
        yield* cache.setMany({ a: "old", b: "old" })
        yield* cache.markStale("a")
        yield* cache.markStale("b")
        const soon = yield* cache.getOrSetMany(["a", "c"], noting("new").lookup, options)
        assert.deepStrictEqual(
          [...soon],
          [
            ["a", "new"],
            ["c", "new"]
          ]
        )
        const gate = yield* Deferred.make<void>()
        const slow = (keys: ReadonlyArray<string>) =>
          Effect.as(
            Deferred.await(gate),
            keys.map((key) => [key, "late"] as const)
          )
        const asking = yield* Effect.forkChild(cache.getOrSetMany(["b"], slow, options))
        yield* until(
          "the wait",
          Effect.map(TestClock.adjust("100 millis"), () => asking.pollUnsafe()),
          (exit) => exit !== undefined,
          { every: 1 }
        )
        assert.deepStrictEqual([...(yield* Fiber.join(asking))], [["b", "old"]])
        yield* Deferred.succeed(gate, undefined)
        yield* holds(cache, "b", "late")
        // A refresh that fails leaves the old value.
        yield* cache.markStale("b")
        const failed = yield* cache.getOrSetMany(["b"], () => Effect.fail("down"), options)
        assert.deepStrictEqual([...failed], [["b", "late"]])
      })
    )
  })

  describe("the failure of one key of a batch", () => {
    it.effect("is stored, with the values of the others: twenty calls make one lookup", () =>
      Effect.gen(function* () {
        for (const options of [hour, { ...hour, cipher: Cipher.aes256gcm([keyOf(1)]) }]) {
          const cache = (yield* fresh(options)).withSchema(Schema.String)
          const { asked, lookup } = finding()
          const gate = yield* Deferred.make<void>()
          const slow = (keys: ReadonlyArray<string>) => Effect.andThen(Deferred.await(gate), lookup(keys))
          const call = cache.getOrSetMany(["a", "none", "b"], slow, { cacheFailures })
          // Each call waits for each of three keys.
          for (const error of yield* twentyFailures(call, gate, 12, stored(cache, "a", "none", "b"))) {
            assert.deepStrictEqual(error, new NotFound({ key: "none" }))
            assert.isTrue(isLookupError(error))
          }
          assert.deepStrictEqual(asked, [["a", "none", "b"]])
          assert.deepStrictEqual(
            [...(yield* cache.getOrSetMany(["a", "b"], lookup))],
            [
              ["a", "value of a"],
              ["b", "value of b"]
            ]
          )
          // Of `getOrSet`, too, and the other way round.
          assert.instanceOf(
            yield* Effect.flip(cache.getOrSet("none", Effect.die("asked"), { cacheFailures })),
            NotFound
          )
          yield* Effect.flip(cache.getOrSet("nor", Effect.fail(new NotFound({ key: "nor" })), { cacheFailures }))
          yield* stored(cache, "nor")
          assert.deepStrictEqual(
            yield* Effect.flip(cache.getOrSetMany(["a", "nor", "none"], () => Effect.die("asked"), { cacheFailures })),
            new NotFound({ key: "nor" })
          )
          assert.deepStrictEqual(yield* cache.getMany(["none", "nor"]), new Map())
          // Who does not ask for failures is not told of them.
          assert.deepStrictEqual(
            [...(yield* cache.getOrSetMany(["none"], () => Effect.succeed([["none", "found"]] as const)))],
            [["none", "found"]]
          )
          yield* holds(cache, "none", "found")
        }
      })
    )

    it.effect(
      "is not stored without the option, nor where the schema does not accept it, nor over a value; nor is that of all",
      () =>
        Effect.gen(function* () {
          const cache = yield* fresh(hour)
          const { asked, lookup } = finding()
          const down = (keys: ReadonlyArray<string>) =>
            Effect.succeed(keys.map((key) => CacheLookup.failed(key, "down" as const)))
          for (let i = 0; i < 2; i++) {
            assert.deepStrictEqual(
              yield* Effect.flip(cache.getOrSetMany(["none"], lookup)),
              new NotFound({ key: "none" })
            )
            assert.strictEqual(yield* Effect.flip(cache.getOrSetMany(["k"], down, { cacheFailures })), "down")
            const all = cache.getOrSetMany(["k", "none"], () => Effect.fail(new NotFound({ key: "k" })), {
              cacheFailures
            })
            assert.instanceOf(yield* Effect.flip(all), NotFound)
            yield* stored(cache, "none", "k")
          }
          assert.strictEqual(asked.length, 2)
          yield* cache.set("not now", "old")
          yield* cache.markStale("not now")
          const served = yield* cache.getOrSetMany(["not now"], lookup, { cacheFailures })
          assert.deepStrictEqual([...served], [["not now", "old"]])
          yield* until(
            "the refresh",
            Effect.sync(() => asked.length),
            (times) => times === 3,
            { every: 1 }
          )
          yield* stored(cache, "not now")
          // Its source is left alone, and the value is served on.
          assert.deepStrictEqual(
            [...(yield* cache.getOrSetMany(["not now"], lookup, { cacheFailures }))],
            [["not now", "old"]]
          )
          assert.strictEqual(asked.length, 3)
          const endless = cache.getOrSetMany(["k"], lookup, {
            cacheFailures: { errors: NotFound, timeToLive: Number.NaN }
          })
          assert.strictEqual((yield* Effect.flip(endless))._tag, "CacheInputError")
        })
    )

    it.effect("bears the tags of the call where they are a list", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        const { asked, lookup } = finding()
        const options = { cacheFailures, tags: ["t"] }
        const ask = Effect.andThen(Effect.flip(cache.getOrSetMany(["none"], lookup, options)), stored(cache, "none"))
        yield* Effect.repeat(ask, { times: 2 })
        assert.strictEqual(asked.length, 1)
        yield* cache.invalidateTags(["t"])
        yield* ask
        assert.strictEqual(asked.length, 2)
      })
    )
  })

  describe("batches share lookups", () => {
    it.effect("key by key, with each other and with getOrSet", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        const asked: Array<string> = []
        const gate = yield* Deferred.make<void>()
        const slow = (name: string) => (keys: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            asked.push(`${name} ${keys.join()}`)
            yield* Deferred.await(gate)
            return keys.filter((key) => key !== "nobody").map((key) => [key, `${key} by ${name}`] as const)
          })
        const single = (key: string) =>
          cache.getOrSet(
            key,
            Effect.andThen(
              Effect.sync(() => asked.push(`single ${key}`)),
              Effect.as(Deferred.await(gate), `${key} alone`)
            )
          )
        const calls: Array<Fiber.Fiber<unknown, unknown>> = []
        const begin = (call: Effect.Effect<unknown, unknown>, times: number) =>
          Effect.gen(function* () {
            calls.push(yield* Effect.forkChild(call, { startImmediately: true }))
            yield* until(
              "the lookup",
              Effect.sync(() => asked.length),
              (now) => now === times,
              { every: 1 }
            )
          })
        yield* begin(single("d"), 1)
        yield* begin(cache.getOrSetMany(["a", "b", "nobody"], slow("first")), 2)
        yield* begin(cache.getOrSetMany(["b", "c", "d", "nobody"], slow("second")), 3)
        const joined = yield* joining
        const singles = yield* Effect.forkChild(
          Effect.all([single("a"), single("c"), single("nobody")], { concurrency: 3 }),
          { startImmediately: true }
        )
        yield* joined(3)
        yield* Deferred.succeed(gate, undefined)
        const [, first, second] = yield* Effect.forEach(calls, Fiber.join)
        assert.deepStrictEqual(
          first,
          new Map([
            ["a", "a by first"],
            ["b", "b by first"]
          ])
        )
        assert.deepStrictEqual(
          second,
          new Map([
            ["b", "b by first"],
            ["c", "c by second"],
            ["d", "d alone"]
          ])
        )
        // What a batch gives nothing for is looked up by whoever waited.
        assert.deepStrictEqual(yield* Fiber.join(singles), ["a by first", "c by second", "nobody alone"])
        assert.deepStrictEqual(asked, ["single d", "first a,b,nobody", "second c", "single nobody"])
      })
    )

    it.effect("that others have begun, for as long as waitFor says", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        const slow = yield* Effect.forEach(["a", "b"], (key) =>
          Effect.gen(function* () {
            const begun = yield* Deferred.make<void>()
            const lookup = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
            const asking = yield* Effect.forkChild(cache.getOrSet(key, lookup))
            yield* Deferred.await(begun)
            return asking
          })
        )
        const batch = cache.getOrSetMany(["a", "b", "c"], noting(1).lookup, { waitFor: "1 second" })
        const asking = yield* Effect.forkChild(Effect.flip(batch), { startImmediately: true })
        yield* until(
          "the end of the wait",
          Effect.map(TestClock.adjust("300 millis"), () => asking.pollUnsafe()),
          (exit) => exit !== undefined,
          { every: 1 }
        )
        assert.deepInclude(yield* Fiber.join(asking), { _tag: "CacheTimeoutError", phase: "lookup", timeout: 1000 })
        // Its own has been stored, and the others go on.
        assert.deepStrictEqual(yield* cache.get("c"), Option.some(1))
        for (const one of slow) {
          assert.isUndefined(one.pollUnsafe())
          yield* Fiber.interrupt(one)
        }
      })
    )

    it.effect("until the last who waits for one of the keys leaves", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        let interrupted = 0
        const gate = yield* Deferred.make<void>()
        const begun = yield* Deferred.make<void>()
        const slow = (keys: ReadonlyArray<string>) =>
          Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(gate)).pipe(
            Effect.as(keys.map((key) => [key, 1] as const)),
            Effect.onInterrupt(() => Effect.sync(() => interrupted++))
          )
        const first = yield* Effect.forkChild(cache.getOrSetMany(["a", "b", "c"], slow))
        yield* Deferred.await(begun)
        const joined = yield* joining
        const second = yield* Effect.forkChild(cache.getOrSet("b", Effect.die("asked")))
        const third = yield* Effect.forkChild(cache.getOrSetMany(["c"], () => Effect.die("asked")))
        yield* joined(2)
        yield* Fiber.interrupt(first)
        yield* Fiber.interrupt(third)
        assert.strictEqual(interrupted, 0)
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(second), 1)
        const endless = yield* Deferred.make<void>()
        const never = (keys: ReadonlyArray<string>) =>
          Effect.andThen(Deferred.succeed(endless, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Effect.sync(() => (interrupted += keys.length)))
          )
        const left = yield* Effect.forkChild(cache.getOrSetMany(["x", "y"], never))
        yield* Deferred.await(endless)
        yield* Fiber.interrupt(left)
        assert.strictEqual(interrupted, 2)
        // Nobody waits for it any more, and nobody joins it.
        assert.deepStrictEqual([...(yield* cache.getOrSetMany(["y"], noting(2).lookup))], [["y", 2]])
      })
    )

    it.effect("that do not wait for themselves", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        const inner = (keys: ReadonlyArray<string>) => cache.getOrSetMany(keys, noting(1).lookup)
        const within = (key: string) => cache.getOrSetMany(["a", "b", "c"], () => inner([key]))
        for (const key of ["a", "c"]) {
          const error = yield* Effect.flip(within(key))
          assert.strictEqual(error._tag, "CacheInputError")
          assert.include(error.message, "would wait for itself")
        }
        const alone = cache.getOrSetMany(["a", "b"], () =>
          Effect.map(cache.getOrSet("b", Effect.succeed(1)), (value) => [["b", value] as const])
        )
        assert.strictEqual((yield* Effect.flip(alone))._tag, "CacheInputError")
        assert.deepStrictEqual([...(yield* within("d"))], [])
        // Each waits for a key of the other.
        const other = yield* Deferred.make<void>()
        const crossed = yield* Effect.all(
          [
            Effect.exit(cache.getOrSetMany(["l", "m"], () => Effect.andThen(Deferred.await(other), inner(["o"])))),
            Effect.exit(
              cache.getOrSetMany(["n", "o"], () =>
                Effect.andThen(Deferred.succeed(other, undefined), Effect.andThen(Effect.yieldNow, inner(["m"])))
              )
            )
          ],
          { concurrency: 2 }
        )
        // Whoever comes to a key of a batch that has failed by then looks it up, and does not fail.
        assert.isTrue(crossed.some(Exit.isFailure), "nobody waits for ever")
      })
    )

    it.effect("and none that was begun before one of the tags was invalidated", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        for (const tags of [["t"], () => ["t"]]) {
          const gate = yield* Deferred.make<void>()
          const begun = yield* Deferred.make<void>()
          const slow = (keys: ReadonlyArray<string>) =>
            Effect.as(
              Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(gate)),
              keys.map((key) => [key, "old"] as const)
            )
          const before = yield* Effect.forkChild(cache.getOrSetMany(["k"], slow, { tags }))
          yield* Deferred.await(begun)
          yield* cache.invalidateTags(["t"])
          assert.deepStrictEqual(
            [...(yield* cache.getOrSetMany(["k"], noting("new").lookup, { tags }))],
            [["k", "new"]]
          )
          yield* Deferred.succeed(gate, undefined)
          assert.deepStrictEqual([...(yield* Fiber.join(before))], [["k", "old"]])
          yield* stored(cache, "k")
          assert.notDeepEqual(yield* cache.get("k"), Option.some("old"))
          yield* cache.delete("k")
        }
      })
    )

    it.effect("and are done without a step where the store is in this process", () =>
      Effect.gen(function* () {
        const cache = yield* fresh(hour)
        if (cache.client.topology !== "memory") return
        const runSync = Effect.runSyncExitWith(yield* Effect.context())
        const { asked, lookup } = finding()
        const call = cache.getOrSetMany(["a", "none"], lookup, { cacheFailures, tags: ["t"] })
        for (let i = 0; i < 2; i++) assert.deepStrictEqual(runSync(call), Exit.fail(new NotFound({ key: "none" })))
        assert.deepStrictEqual(runSync(cache.getOrSetMany(["a"], lookup)), Exit.succeed(new Map([["a", "value of a"]])))
        assert.strictEqual(asked.length, 1)
      })
    )
  })

  it.effect("a region's lookupMany is shown what is stale, and its failures are stored", () =>
    Effect.gen(function* () {
      const cache = yield* fresh(hour)
      const asked: Array<ReadonlyArray<number>> = []
      const region = yield* CacheRegion.make(cache, "articles", {
        key: Schema.Int,
        value: Schema.String,
        cacheFailures,
        lookup: () => Effect.die("asked"),
        lookupMany: (ids, stale) =>
          Effect.sync(() => {
            asked.push(ids)
            return ids.map((id) => {
              const old = stale.get(id)
              if (old !== undefined) return [id, `${old.value}, seen`] as const
              return id < 0 ? CacheLookup.failed(id, new NotFound({ key: `${id}` })) : ([id, `row ${id}`] as const)
            })
          })
      })
      for (let i = 0; i < 2; i++) {
        assert.deepStrictEqual(yield* Effect.flip(region.getMany([1, -1, 2])), new NotFound({ key: "-1" }))
        yield* stored(cache, "articles:1", "articles:-1", "articles:2")
      }
      yield* region.invalidate(2, { mode: "stale" })
      assert.deepStrictEqual(
        [...(yield* region.getMany([1, 2]))],
        [
          [1, "row 1"],
          [2, "row 2"]
        ]
      )
      yield* holds(cache, "articles:2", "row 2, seen")
      assert.deepStrictEqual(asked, [[1, -1, 2], [2]])
    })
  )
}
