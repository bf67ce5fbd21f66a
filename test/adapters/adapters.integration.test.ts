/** Plain Promise code: our own client, Keyv 5 and 6 by the published suite, cache-manager. */
import * as vitest from "vitest"
import { keyvIteratorTests } from "@keyv/test-suite"
import keyvTestSuite from "@keyv/test-suite"
import { assert, describe, it } from "@effect/vitest"
import { createCache } from "cache-manager"
import { Duration, Effect, Layer, Option, Schema } from "effect"
import { Keyv } from "keyv"
import { Keyv as Keyv6 } from "keyv6"
import {
  CacheCodecError,
  CacheConnectionError,
  CacheInputError,
  CacheLive,
  CacheMemory,
  CacheService,
  makeClient,
  Serializer,
  ValkeyUrl
} from "effect-vcache"
import KeyvStore from "effect-vcache/keyv"
import { startMemoryAndServer } from "../support/memoryAndServer.ts"
import { sharedInFile } from "../support/sharedInFile.ts"

const caches = await Effect.runPromise(sharedInFile(startMemoryAndServer))

/** Keyv 6 with the one answer that Keyv 5 gave otherwise: whether any of the keys was there. */
class Keyv6AsSuiteHasIt extends Keyv6 {
  override deleteMany(keys: Array<string>): Promise<never> {
    return super.deleteMany(keys).then((each) => each.includes(true) as never)
  }
}

interface Version {
  readonly version: string
  readonly suite: unknown
  readonly open: (store: KeyvStore, namespace?: string) => AnyKeyv
  readonly openWithoutSerialization: (store: KeyvStore) => AnyKeyv
}

/** What both versions have. */
interface AnyKeyv {
  readonly get: (key: string) => Promise<unknown>
  readonly getMany: (keys: Array<string>) => Promise<Array<unknown>>
  readonly set: (key: string, value: unknown, ttl?: number) => Promise<boolean>
  readonly setMany: (entries: Array<{ key: string; value: unknown; ttl?: number }>) => Promise<unknown>
  readonly delete: (key: string) => Promise<boolean>
  readonly deleteMany: (keys: Array<string>) => Promise<boolean>
  readonly hasMany: (keys: Array<string>) => Promise<Array<boolean>>
  readonly clear: () => Promise<void>
  readonly iterator?: (all: undefined) => AsyncIterable<unknown>
  readonly on: (event: "error", listener: (error: unknown) => void) => unknown
}

const versions: ReadonlyArray<Version> = [
  {
    version: "Keyv 5",
    suite: Keyv,
    open: (store, namespace = "keyv") => new Keyv({ store, namespace }),
    openWithoutSerialization: (store) => {
      const keyv = new Keyv({ store })
      keyv.serialize = keyv.deserialize = undefined
      return keyv
    }
  },
  {
    version: "Keyv 6",
    suite: Keyv6AsSuiteHasIt,
    open: (store, namespace) => new Keyv6AsSuiteHasIt(store, namespace === undefined ? {} : { namespace }),
    openWithoutSerialization: (store) => new Keyv6AsSuiteHasIt(store, { serialization: false })
  }
]

const listed = async (keyv: AnyKeyv): Promise<Array<unknown>> => {
  const all: Array<unknown> = []
  for await (const entry of keyv.iterator?.(undefined) ?? []) all.push(entry)
  return all
}

const closedError = { _tag: "CacheConnectionError", phase: "closed", mayHaveExecuted: false } as const

for (const [name, cache] of [
  ["in memory", caches.memory],
  ["on a server", caches.server]
] as const) {
  const own = cache.withOptions({ prefix: "keyv" })
  const shared = Layer.succeed(CacheService, own)

  for (const { open, openWithoutSerialization, suite, version } of versions) {
    describe(`the published suite of Keyv, ${version} ${name}`, () => {
      const store = () => new KeyvStore(shared)
      // Typed for the vitest and the Keyv that it brings.
      keyvTestSuite(vitest as never, suite as never, store)
      keyvIteratorTests(vitest as never, suite as never, store)
    })

    describe(`${version} ${name}, besides`, () => {
      const keyvOf = (namespace?: string) => open(new KeyvStore(shared), namespace)

      it("each namespace has its own entries: read, listed, deleted, cleared", async () => {
        const [a, b] = [keyvOf("a*"), keyvOf("a*b")]
        await a.set("k", "of a")
        await b.set("k", "of b")
        assert.deepStrictEqual([await a.get("k"), await b.get("k")], ["of a", "of b"])
        assert.sameMembers([...(await Effect.runPromise(own.keys("a*")))], ["a*:k", "a*b:k"])
        assert.deepStrictEqual(await listed(b), [["k", "of b"]])
        assert.isTrue(await b.delete("k"))
        assert.isFalse(await b.delete("k"))
        await b.set("k", "again")
        await a.setMany([{ key: "l", value: 1 }])
        await a.clear()
        assert.deepStrictEqual([await a.get("k"), await a.get("l"), await b.get("k")], [undefined, undefined, "again"])
      })

      it("many at once, with lifetimes of their own", async () => {
        const keyv = keyvOf("many")
        await keyv.setMany([
          { key: "a", value: { n: 1 } },
          { key: "b", value: [2], ttl: 60_000 }
        ])
        await keyv.set("c", 3, 3_600_000)
        const lifetime = async (key: string) =>
          Duration.toMillis(Option.getOrThrow(await Effect.runPromise(own.ttl(`many:${key}`))))
        assert.strictEqual(await lifetime("a"), Infinity)
        vitest.expect(await lifetime("b")).within(1, 60_000)
        vitest.expect(await lifetime("c")).within(60_001, 3_600_000)
        assert.deepStrictEqual(await keyv.getMany(["a", "x", "b"]), [{ n: 1 }, undefined, [2]])
        assert.deepStrictEqual(await keyv.hasMany(["a", "x"]), [true, false])
        assert.isTrue(await keyv.deleteMany(["a", "x"]))
        assert.isFalse(await keyv.deleteMany(["a", "x"]))
        assert.deepStrictEqual(await keyv.getMany(["a", "b"]), [undefined, [2]])
      })

      it("without its serialization values are stored as they are, or refused", async () => {
        const keyv = openWithoutSerialization(new KeyvStore(shared))
        const errors: Array<unknown> = []
        keyv.on("error", (error: unknown) => errors.push(error))
        const value = { n: 1, list: [null, "text"] }
        assert.isTrue(await keyv.set("object", value))
        assert.deepStrictEqual(await keyv.get("object"), value)
        assert.isTrue(await keyv.set("expiring", value, 60_000))
        assert.deepStrictEqual(await keyv.get("expiring"), value)
        assert.deepStrictEqual(errors, [])
        assert.isFalse(await keyv.set("date", new Date(0)))
        assert.instanceOf(errors[0], CacheCodecError)
        assert.isUndefined(await keyv.get("date"))
      })
    })
  }

  describe(`a store for Keyv ${name}`, () => {
    it("tells entries of another type by a typed error", async () => {
      await Effect.runPromise(own.hash("hash").set("f", 1))
      const error: unknown = await new KeyvStore(shared).get("hash").catch((error: unknown) => error)
      assert.deepInclude(error, { _tag: "CacheServerError", code: "WRONGTYPE" })
    })

    it("keeps text and objects under every serializer", async () => {
      for (const serializer of [Serializer.json, Serializer.msgpack, Serializer.binary]) {
        const store = new KeyvStore(Layer.succeed(CacheService, own.withOptions({ serializer, prefix: serializer.id })))
        for (const value of ["text", { value: [1, "a"] }]) {
          await store.set("k", value)
          assert.deepStrictEqual(await store.get("k"), value)
        }
      }
    })

    it("stores nothing that has ended before", async () => {
      const store = new KeyvStore(shared)
      await store.set("ended", "v")
      assert.isTrue(await store.set("ended", "w", 1))
      assert.isFalse(await store.has("ended"))
    })

    it("serves one version only", () => {
      for (const [first, second] of [versions, versions.toReversed()]) {
        const store = new KeyvStore(shared)
        first?.open(store)
        assert.throws(() => second?.open(store), CacheInputError, "Keyv 5 or Keyv 6")
      }
    })

    it("disconnected, it is closed", async () => {
      const store = new KeyvStore(shared)
      await store.set("k", "v")
      await store.disconnect()
      assert.deepInclude(await store.get("k").catch((error: unknown) => error), closedError)
    })

    it("cache-manager over it", async () => {
      const manager = createCache({ stores: [new Keyv({ store: new KeyvStore(shared), namespace: "manager" })] })
      let lookups = 0
      const wrapped = () => manager.wrap("k", async () => ({ n: ++lookups }), 60_000)
      assert.deepStrictEqual(await Promise.all([wrapped(), wrapped()]), [{ n: 1 }, { n: 1 }])
      assert.deepStrictEqual(await wrapped(), { n: 1 })
      await manager.mset([
        { key: "a", value: 1 },
        { key: "b", value: 2, ttl: 60_000 }
      ])
      assert.deepStrictEqual(await manager.mget(["a", "b", "c"]), [1, 2, undefined])
      await manager.mdel(["a", "b"])
      assert.isUndefined(await manager.get("a"))
      await manager.set("soon", 1, 50)
      await new Promise((resolve) => setTimeout(resolve, 80))
      assert.isUndefined(await manager.get("soon"))
      await manager.clear()
      assert.isUndefined(await manager.get("k"))
    })
  })

  describe(`a Promise client ${name}`, () => {
    it("the operations, typed errors as rejections, misses undefined", async () => {
      await using client = makeClient(Layer.succeed(CacheService, cache.withOptions({ prefix: "promises" })))
      assert.isUndefined(await client.get("k"))
      assert.isTrue(await client.set("k", { n: 1 }))
      assert.deepStrictEqual(await client.get("k"), { n: 1 })
      assert.isFalse(await client.add("k", 2))
      assert.deepStrictEqual(await client.setMany({ a: 1, b: 2 }), [])
      assert.deepStrictEqual(
        await client.getMany(["a", "x", "b"]),
        new Map([
          ["a", 1],
          ["b", 2]
        ])
      )
      assert.strictEqual(await client.incr("a", 5), 6)
      assert.isTrue((await client.ttl("a"))! > 0)
      assert.isTrue(await client.touch("a", { timeToLive: "Infinity" }))
      assert.strictEqual(await client.ttl("a"), Infinity)
      assert.isUndefined(await client.ttl("x"))
      assert.strictEqual(await client.deleteMany(["a", "b"]), 2)
      assert.deepStrictEqual(await client.setMany({ "t:1": 1, "t:2": 2 }, { tags: (key) => [key, "t"] }), [])
      assert.isTrue(await client.add("t:3", 3, { tags: ["t"] }))
      await client.invalidateTags(["t:1"])
      assert.deepStrictEqual([...(await client.getMany(["t:1", "t:2", "t:3"])).keys()], ["t:2", "t:3"])
      assert.isTrue(await client.markStale("t:3"))
      await client.invalidateTags(["t"], { mode: "stale" })
      assert.isUndefined(await client.get("t:2"))
      assert.strictEqual(await client.getOrSet("t:3", () => 9), 3)
      let lookups = 0
      const lookup = async () => ({ found: ++lookups })
      const both = await Promise.all([client.getOrSet("l", lookup), client.getOrSet("l", lookup)])
      vitest.expectTypeOf(both[0]).toEqualTypeOf<{ found: number }>()
      assert.deepStrictEqual(both, [{ found: 1 }, { found: 1 }])
      const own = new Error("mine")
      assert.strictEqual(
        await client
          .getOrSet("fails", () => {
            throw own
          })
          .catch((error: unknown) => error),
        own
      )
      const refused: unknown = await client.get("").catch((error: unknown) => error)
      assert.deepInclude(refused, { _tag: "CacheInputError" })
      const numbers = client.withSchema(Schema.Int)
      assert.isTrue(await numbers.set("int", 5))
      vitest.expectTypeOf(numbers.get).returns.resolves.toEqualTypeOf<number | undefined>()
      assert.strictEqual(await client.run(CacheService.use((cache) => cache.list("list").pushRight(1, 2))), 2)
      assert.isAbove(await client.clear(), 0)
    })
  })
}

it("closed, a client rejects with a typed error; what is under way then does, too", async () => {
  const client = makeClient(CacheMemory)
  const begun = Promise.withResolvers<void>()
  const waiting = client.getOrSet("k", () => {
    begun.resolve()
    return new Promise(() => {})
  })
  await begun.promise
  await client.close()
  const interrupted: unknown = await waiting.catch((error: unknown) => error)
  assert.deepInclude(interrupted, { ...closedError, operation: "getOrSet", mayHaveExecuted: true })
  const calls = [client.get("k"), client.withSchema(Schema.Int).set("k", 1), client.run(Effect.succeed(1))]
  for (const call of calls) {
    const error: unknown = await call.catch((error: unknown) => error)
    assert.instanceOf(error, CacheConnectionError)
    assert.deepInclude({ ...error }, closedError)
  }
  await client.close()
})

it("a client whose server is away rejects in time, and closes", async () => {
  const client = makeClient(
    Layer.provide(CacheLive, ValkeyUrl.layer("valkey://127.0.0.1:1", { connectTimeout: "300 millis" }))
  )
  const error: unknown = await client.get("k").catch((error: unknown) => error)
  assert.deepInclude(error, { _tag: "CacheConnectionError" })
  await client.close()
  assert.deepInclude(await client.get("k").catch((error: unknown) => error), closedError)
})
