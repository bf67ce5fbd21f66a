/** The driver in unstorage itself. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createStorage } from "unstorage"
import { CacheMemory, CacheService, isCacheError, Serializer } from "effect-vcache"
import unstorageDriver from "effect-vcache/unstorage"

const opened = (options = {}) => createStorage({ driver: unstorageDriver(CacheMemory, options) })

describe("unstorage", () => {
  it("has values of every kind, and null for none", async () => {
    const storage = opened()
    await storage.setItem("users:1", { name: "Ada", "*": [1, null, "ü"] })
    await storage.setItem("users:2", "two")
    await storage.setItemRaw("bytes", new Uint8Array([1, 2, 255]))
    assert.deepStrictEqual(await storage.getItem("users:1"), { name: "Ada", "*": [1, null, "ü"] })
    assert.strictEqual(await storage.getItem("users:2"), "two")
    assert.deepStrictEqual([...((await storage.getItemRaw("bytes")) as Uint8Array)], [1, 2, 255])
    assert.isNull(await storage.getItem("users:3"))
    assert.isTrue(await storage.hasItem("users:1"))
    assert.isFalse(await storage.hasItem("users:3"))
    assert.deepStrictEqual(await storage.getItems(["users:2", "users:3"]), [
      { key: "users:2", value: "two" },
      { key: "users:3", value: null }
    ])
    await storage.removeItem("users:1")
    assert.isFalse(await storage.hasItem("users:1"))
    await storage.dispose()
  })

  it("lists and clears what lies under a base, and nothing that a glob would add", async () => {
    const driver = unstorageDriver(CacheMemory)
    const storage = createStorage({ driver })
    for (const key of ["a:1", "a:2", "ab:1", "b:1", "b[c]:1", "bc:1"]) await storage.setItem(key, key)
    assert.sameMembers(await storage.getKeys(), ["a:1", "a:2", "ab:1", "b:1", "b[c]:1", "bc:1"])
    assert.sameMembers(await storage.getKeys("a"), ["a:1", "a:2"])
    assert.sameMembers(await storage.getKeys("b[c]"), ["b[c]:1"])
    // unstorage itself asks only drivers that are mounted below the base.
    await driver.clear?.("b[c]:", {})
    await driver.clear?.("a:", {})
    assert.sameMembers(await storage.getKeys(), ["ab:1", "b:1", "bc:1"])
    await storage.clear()
    assert.deepStrictEqual(await storage.getKeys(), [])
    await storage.dispose()
  })

  it("gives items the lifetime of their ttl, of the driver, or none", async () => {
    const forever = opened()
    await forever.setItem("none", 1)
    await forever.setItem("some", 1, { ttl: 60 })
    await forever.setItems([{ key: "many", value: "1", options: { ttl: 120 } }])
    assert.deepStrictEqual(await forever.getMeta("none", { nativeOnly: true }), {})
    assert.closeTo(Number((await forever.getMeta("some", { nativeOnly: true }))["ttl"]), 60, 1)
    assert.closeTo(Number((await forever.getMeta("many", { nativeOnly: true }))["ttl"]), 120, 1)
    await forever.dispose()
    const minute = opened({ timeToLive: 60_000 })
    await minute.setItem("some", 1)
    assert.closeTo(Number((await minute.getMeta("some", { nativeOnly: true }))["ttl"]), 60, 1)
    await minute.dispose()
  })

  it("rejects with the cache's errors, and stores what the cache's own settings say", async () => {
    const layer = CacheService.layerMemory({ prefix: "app", serializer: Serializer.msgpack })
    const driver = unstorageDriver(layer)
    const storage = createStorage({ driver })
    await storage.setItem("k", "v")
    const cache = driver.getInstance?.()
    assert.deepStrictEqual(await cache?.run(Effect.map(CacheService, ({ makeKey }) => makeKey("k"))), "app:1:k")
    assert.isTrue(isCacheError(await storage.setItem("k", "v", { ttl: "soon" }).catch((error: unknown) => error)))
    await storage.dispose()
    assert.strictEqual(
      await storage.getItem("k").catch((error: unknown) => Object(error)["_tag"]),
      "CacheConnectionError"
    )
  })
})
