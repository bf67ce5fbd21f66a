/** The cache in Apollo Server itself, with persisted queries and cached responses. */
import { ApolloServer } from "@apollo/server"
import responseCache from "@apollo/server-plugin-response-cache"
import { type KeyValueCache, PrefixingKeyValueCache } from "@apollo/utils.keyvaluecache"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Duration, Effect, Layer, ManagedRuntime, Option } from "effect"
import { CacheLive, CacheService, isCacheError, ValkeyStandalone } from "effect-vcache"
import apolloCache from "effect-vcache/apollo"

const options = { commandTimeout: 100, connectTimeout: 100 }
const nobody = Layer.provide(CacheLive, ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1", ...options }))

/** The cache, and what it stores its values in. */
const opened = async (given = {}) => {
  const space = await ManagedRuntime.make(CacheService.layerMemory({ prefix: "apollo" })).runPromise(CacheService)
  return { space, apollo: apolloCache(Layer.succeed(CacheService, space), given) }
}

describe("apolloCache", () => {
  it("is Apollo's KeyValueCache, and keeps values for their ttl", async () => {
    const { apollo, space } = await opened({ timeToLive: 120_000 })
    expectTypeOf(apollo).toExtend<KeyValueCache>()
    const left = async (key: string) => Duration.toSeconds(Option.getOrThrow(await Effect.runPromise(space.ttl(key))))
    await apollo.set("some", "1", { ttl: 60 })
    await apollo.set("default", "2")
    await apollo.set("ever", "3", { ttl: null })
    await apollo.set("over", "4", { ttl: 0 })
    assert.deepStrictEqual(await Promise.all(["some", "default", "ever", "over"].map(apollo.get)), [
      "1",
      "2",
      "3",
      undefined
    ])
    assert.closeTo(await left("some"), 60, 1)
    assert.closeTo(await left("default"), 120, 1)
    assert.strictEqual(await left("ever"), Infinity)
    const prefixed = new PrefixingKeyValueCache(apollo, "so")
    assert.strictEqual(await prefixed.get("me"), "1")
    assert.isTrue(await prefixed.delete("me"))
    assert.isFalse(await apollo.delete("some"))
    await Effect.runPromise(space.set("another", { shape: 1 }))
    assert.isUndefined(await apollo.get("another"))
    await apollo.close()
  })

  it("caches responses of Apollo Server, and answers without them when the server is away", async () => {
    const { apollo } = await opened()
    for (const [cache, expected] of [
      [apollo, [1, 1, 1, 2]],
      [apolloCache(nobody), [1, 2, 3, 4]]
    ] as const) {
      let calls = 0
      const server = new ApolloServer({
        cache,
        typeDefs:
          "type Query { shared: Int @cacheControl(maxAge: 60) mine: Int } directive @cacheControl(maxAge: Int) on FIELD_DEFINITION",
        resolvers: { Query: { shared: () => ++calls, mine: () => ++calls } },
        plugins: [responseCache()]
      })
      const answerTo = async (query: string) => {
        const { body } = await server.executeOperation({ query })
        return body.kind === "single" ? Object.values(body.singleResult.data ?? {})[0] : assert.fail("it streams")
      }
      const answers = []
      for (const query of ["{ shared }", "{ shared }", "{ shared }", "{ mine }"]) answers.push(await answerTo(query))
      assert.deepStrictEqual(answers, [...expected])
      await server.stop()
      await cache.close()
    }
  })

  it("says where a value may not have been deleted, and is empty after it was closed", async () => {
    const { apollo } = await opened()
    await apollo.set("k", "v")
    await apollo.close()
    assert.isUndefined(await apollo.get("k"))
    await apollo.set("k", "v")
    for (const cache of [apollo, apolloCache(nobody)]) {
      assert.isTrue(isCacheError(await cache.delete("k").catch((error: unknown) => error)))
      await cache.close()
    }
    const broken = apolloCache(Layer.fresh(Layer.unwrap(Effect.fail("no such server"))))
    assert.strictEqual(await broken.get("k").catch((error: unknown) => error), "no such server")
  })
})
