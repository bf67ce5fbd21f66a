/** Effect's `KeyValueStore` over a cache: its prefix, version and lifetime, its formats and policies. */
import { Effect, identity, Layer, Option } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type { CacheError } from "../../schema/CacheError.ts"
import { escapeGlob } from "../../schema/key.ts"
import { Serializer } from "../../schema/Serializer.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"

const failed = (method: string, key?: string) => (cause: CacheError) =>
  new KeyValueStore.KeyValueStoreError({
    message: `${method} failed`,
    method,
    ...(key === undefined ? {} : { key }),
    cause
  })

const make = (cache: TypedCache<unknown>): KeyValueStore.KeyValueStore => {
  // It tells text from bytes.
  const values = cache.withOptions({ serializer: Serializer.msgpack })

  const read = <A>(
    method: string,
    key: string,
    asText: (text: string) => A,
    asBytes: (bytes: Uint8Array) => A
  ): Effect.Effect<A | undefined, KeyValueStore.KeyValueStoreError> =>
    Effect.flatMap(Effect.mapError(values.get(key), failed(method, key)), (found) => {
      if (Option.isNone(found)) return Effect.undefined
      const { value } = found
      if (typeof value === "string") return Effect.succeed(asText(value))
      if (value instanceof Uint8Array) return Effect.succeed(asBytes(value))
      const message = "the entry is neither text nor bytes"
      return Effect.fail(new KeyValueStore.KeyValueStoreError({ message, method, key }))
    })

  const clearPrefix = (prefix: string) =>
    Effect.mapError(Effect.asVoid(cache.deletePattern(`${escapeGlob(prefix)}*`)), failed("clearPrefix"))

  return KeyValueStore.make({
    get: (key) => read("get", key, identity, Base64.encode),
    getUint8Array: (key) => read("getUint8Array", key, (text) => new TextEncoder().encode(text), identity),
    set: (key, value) =>
      Effect.mapError(
        Effect.asVoid(values.set(key, value, { timeToLive: cache.options.timeToLive })),
        failed("set", key)
      ),
    remove: (key) => Effect.mapError(Effect.asVoid(cache.delete(key)), failed("remove", key)),
    has: (key) => Effect.mapError(cache.has(key), failed("has", key)),
    clear: Effect.mapError(Effect.asVoid(cache.clear), failed("clear")),
    clearPrefix,
    // A scan may come by a key twice.
    size: Effect.mapError(
      Effect.map(cache.keys(), (keys) => keys.length),
      failed("size")
    ),
    keys: Effect.mapError(cache.keys(), failed("keys"))
  })
}

/**
 * `KeyValueStore` over `CacheService`. Entries live for the cache's `timeToLive`, five minutes by default: give the cache
 * `timeToLive: "Infinity"` for a store that keeps them. As in Effect's own stores, `get` gives bytes as base64. `clear` and `keys` concern this prefix and version.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { KeyValueStore } from "effect/persistence"
 * import { CacheMemory } from "effect-vcache"
 * import { EffectKeyValueStore } from "effect-vcache/effect"
 *
 * const program = Effect.gen(function* () {
 *   const store = yield* KeyValueStore.KeyValueStore
 *   yield* store.set("theme", "dark")
 *   return yield* store.get("theme")
 * })
 * const live = Layer.provide(EffectKeyValueStore.layer(), CacheMemory.layer({ timeToLive: "Infinity" }))
 * console.log(Effect.runSync(Effect.provide(program, live)))
 * // => dark
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const layer = (): Layer.Layer<KeyValueStore.KeyValueStore, never, CacheService> =>
  Layer.fresh(Layer.effect(KeyValueStore.KeyValueStore, Effect.map(CacheService, make)))
