/** Typed keyspaces: keys and values of schemas, with the lookup that fills them. */
import { Context, type Duration, Effect, Layer, Option, Schema, SchemaAST } from "effect"
import { CacheInputError } from "../schema/CacheError.ts"
import { attempt, bySchema } from "../schema/codecFailures.ts"
import { refused } from "../schema/failures.ts"
import { usableFormat } from "../schema/CacheOptions.ts"
import { schemaRefusal } from "../schema/SchemaCodec.ts"
import { schemaJson, type SchemaJson } from "../schema/SchemaJson.ts"
import { escapeGlob, escapeName } from "../schema/key.ts"
import { toMillis } from "../schema/timeToLive.ts"
import { strictJson } from "../schema/strictJson.ts"
import { withServices } from "./cache/lookups/observers.ts"
import { CacheService } from "./CacheService.ts"
import type { Stale } from "./operations/CacheLookups.ts"
import { FailedLookup } from "./operations/FailedLookup.ts"
import type { LookedUp } from "./operations/LookedUp.ts"
import type { Region, RegionOptions, RegionServices } from "./operations/Region.ts"
import type { TypedCache } from "./operations/TypedCache.ts"

export type { InvalidateOptions, Region, RegionEntries, RegionOptions } from "./operations/Region.ts"

/** Lookups at once, where there is no `lookupMany`. */
const concurrency = 16

/**
 * A region over a cache. What its lookup needs is taken from the context now. Of its callers a lookup sees only by whom
 * they are observed: clock, loggers, tracer, metrics and annotations. It has a scope of its own, which closes when it ends.
 * Fails with a `CacheInputError` where the cache could store no value of the schema, or take no key of it.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheRegion, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const squares = yield* CacheRegion.make(yield* CacheService, "squares", {
 *     key: Schema.Int,
 *     value: Schema.Int,
 *     lookup: (n) => Effect.sync(() => (console.log("computing", n), n * n))
 *   })
 *   console.log(yield* squares.get(12), yield* squares.get(12))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => computing 12
 * // => 144 144
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export const make = Effect.fnUntraced(function* <
  K extends Schema.Constraint,
  V extends Schema.Constraint,
  E,
  R,
  F = never
>(
  cache: TypedCache<unknown>,
  id: string,
  { key, lookup, lookupMany, name = id, tags, value, ...options }: RegionOptions<K, V, E, R, F>
): Effect.fn.Return<Region<K["Type"], V["Type"], E | F>, CacheInputError, R | RegionServices<K, V>> {
  type Needs = R | RegionServices<K, V>
  const services = yield* Effect.context<Needs>()
  const supplied = <A, E>(effect: Effect.Effect<A, E, Needs>): Effect.Effect<A, E> =>
    Effect.provideContext(effect, services)
  const ofTheRegion = withServices(services)
  const refusal = schemaRefusal(value, cache.options)
  if (refusal !== undefined) return yield* unusable(name, `its values cannot be stored: ${refusal}`)
  const values = cache.withSchema(value)
  const head = escapeName(name)
  const encodeKey = yield* keyText(name, key)
  const textOf = (operation: string, key: K["Type"]) =>
    Effect.map(
      Effect.mapError(
        encodeKey(key),
        ({ cause }) => new CacheInputError({ operation, reason: `the key cannot be used: ${cause?.message}` })
      ),
      (text) => `${head}:${text}`
    )
  /** Not called for what is cached. */
  const lookedUp = (key: K["Type"]) => (stale: Option.Option<Stale<V["Type"]>>) =>
    ofTheRegion(Effect.suspend(() => lookup(key, stale)))
  const { jitter, keepFor, near, staleFor = cache.options.lookup.staleFor, timeToLive, version } = options
  const { singleFlight: _, ...batch } = options
  const { softTimeout: __, waitFor: ___, ...alone } = batch
  const spread = jitter === undefined ? values : values.withOptions({ jitter })

  const taggedAs = (key: K["Type"]) =>
    typeof tags === "function" ? { tags: (value: V["Type"]) => tags(key, value) } : { tags }
  const optionsOf = (key: K["Type"]) => (tags === undefined ? options : { ...options, ...taggedAs(key) })

  /** Compiled when somebody looks into the cache. */
  let ofEntries: SchemaJson<V> | undefined
  const json = () => (ofEntries ??= schemaJson(value, usableFormat(cache.options)))
  const nameOf = (operation: string, key: string) => ({ operation, key, final: cache.makeKey(key, { version }) })

  return {
    get: (key) =>
      supplied(Effect.flatMap(textOf("get", key), (text) => values.getOrSet(text, lookedUp(key), optionsOf(key)))),
    getMany: (keys) =>
      supplied(
        Effect.gen(function* () {
          const byText = new Map<string, K["Type"]>()
          for (const key of keys) byText.set(yield* textOf("getMany", key), key)
          const looked = (texts: ReadonlyArray<string>) => texts.map((text) => byText.get(text))
          const found =
            lookupMany === undefined
              ? new Map(
                  yield* Effect.forEach(
                    byText,
                    ([text, key]) =>
                      Effect.map(
                        values.getOrSet(text, lookedUp(key), optionsOf(key)),
                        (value) => [text, value] as const
                      ),
                    { concurrency }
                  )
                )
              : yield* values.getOrSetMany(
                  byText.keys(),
                  (missing, stale) => {
                    const shown = new Map(Array.from(stale, ([text, value]) => [byText.get(text), value] as const))
                    return Effect.flatMap(
                      ofTheRegion(Effect.suspend(() => lookupMany(looked(missing), shown))),
                      (given) =>
                        Effect.forEach(given, (one) =>
                          Effect.map(
                            textOf("getMany", one instanceof FailedLookup ? one.key : one[0]),
                            (text): readonly [string, V["Type"] | LookedUp<V["Type"]>] | FailedLookup<string, E> =>
                              one instanceof FailedLookup ? new FailedLookup(text, one.error) : [text, one[1]]
                          )
                        )
                    )
                  },
                  typeof tags === "function"
                    ? { ...batch, tags: (value, text) => (byText.has(text) ? tags(byText.get(text), value) : []) }
                    : { ...batch, tags }
                )
          return new Map([...found].map(([text, value]) => [byText.get(text), value] as const))
        })
      ),
    getCached: (key) =>
      supplied(Effect.flatMap(textOf("getCached", key), (text) => values.get(text, { version, near }))),
    set: (key, value) =>
      supplied(
        Effect.flatMap(textOf("set", key), (text) => {
          // Nothing that should bear tags is stored without them.
          if (tags === "lookup")
            return refused(
              "set",
              "the lookup of this region decides the tags, so set cannot store a value: use refresh"
            )
          return Effect.asVoid(
            spread.set(text, value, {
              version,
              tags: tags?.(key, value),
              staleFor: longer(windowOf(staleFor, value), windowOf(keepFor, value)),
              timeToLive: windowOf(timeToLive, value)
            })
          )
        })
      ),
    refresh: (key) =>
      supplied(
        Effect.flatMap(textOf("refresh", key), (text) =>
          values.refresh(text, lookedUp(key)(Option.none()), { ...alone, ...taggedAs(key) })
        )
      ),
    invalidate: (key, { mode = "remove" } = {}) =>
      supplied(
        Effect.flatMap(textOf("invalidate", key), (text) => {
          if (mode !== "remove" && mode !== "stale") return refused("invalidate", "mode must be remove or stale")
          return Effect.asVoid(values[mode === "stale" ? "markStale" : "delete"](text, { version }))
        })
      ),
    cacheKey: (key) => supplied(textOf("cacheKey", key)),
    clear: Effect.suspend(() => values.deletePattern(`${escapeGlob(head)}:*`, { version })),
    entries: {
      cache,
      version,
      lead: `${head}:`,
      toJson: (key, stored) => supplied(Effect.suspend(() => json().read(nameOf("toJson", key), stored))),
      fromJson: (key, typed, inPlaceOf) =>
        supplied(Effect.suspend(() => json().write(nameOf("fromJson", key), typed, inPlaceOf)))
    }
  }
})

/** A duration, or a function of the value. */
const windowOf = <A>(
  window: Duration.Input | ((value: A) => Duration.Input) | undefined,
  value: A
): Duration.Input | undefined => (typeof window === "function" ? window(value) : window)

/** What is no duration is the one that is refused. */
const longer = (a: Duration.Input | undefined, b: Duration.Input | undefined): Duration.Input | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return (toMillis(a) ?? Infinity) >= (toMillis(b) ?? Infinity) ? a : b
}

const keyText = <K extends Schema.Constraint>(name: string, schema: K) =>
  Effect.map(
    Effect.try({
      try: () => Schema.toCodecJson(schema),
      catch: () => unusable(name, "the schema of its keys cannot be encoded as JSON")
    }),
    textIn
  )

const unusable = (name: string, reason: string) =>
  new CacheInputError({ operation: `region ${JSON.stringify(name)}`, reason })

/** Different keys have different texts: strings and numbers stand for themselves where the schema knows nothing else. */
const textIn = <A, E, RD, RE>(json: Schema.Codec<A, E, RD, RE>) => {
  const encode = Schema.encodeEffect(json)
  const { _tag } = SchemaAST.toEncoded(json.ast)
  const text = (encoded: unknown): string =>
    _tag === "String" || _tag === "Number" ? String(encoded) : strictJson(encoded)
  const named = { operation: "region", key: undefined }
  return (key: A) =>
    Effect.flatMap(
      bySchema(named, "encode", json.ast, () => encode(key)),
      (encoded) => attempt(named, "encode", "the key", () => text(encoded))
    )
}

/**
 * The class that `CacheRegion.Service` makes: a service of the region, with its layers.
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export interface RegionClass<Self, Id extends string, K, A, E, R> extends Context.ServiceClass<
  Self,
  Id,
  Region<K, A, E>
> {
  /** The region over `CacheService`. Fails where that could store no value of the schema, or take no key of it. */
  readonly layer: Layer.Layer<Self, CacheInputError, CacheService | R>
  /** The region over another cache. */
  readonly layerFor: <I>(cache: Context.Service<I, TypedCache<unknown>>) => Layer.Layer<Self, CacheInputError, I | R>
}

/**
 * A region as a service of its own.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { CacheMemory, CacheRegion } from "effect-vcache"
 *
 * class Users extends CacheRegion.Service<Users>()("app/Users", {
 *   key: Schema.Int,
 *   value: Schema.Struct({ name: Schema.String }),
 *   timeToLive: "5 minutes",
 *   staleFor: "1 hour",
 *   lookup: (id) => Effect.succeed({ name: `user ${id}` })
 * }) {}
 *
 * const program = Users.use((users) => users.get(1))
 * console.log(Effect.runSync(Effect.provide(program, Layer.provide(Users.layer, CacheMemory))))
 * // => { name: 'user 1' }
 * ```
 *
 * @since 0.2.0
 * @category lookups
 * @see docs/regions.md
 */
export const Service =
  <Self>() =>
  <const Id extends string, K extends Schema.Constraint, V extends Schema.Constraint, E = never, R = never, F = never>(
    id: Id,
    options: RegionOptions<K, V, E, R, F>
  ): RegionClass<Self, Id, K["Type"], V["Type"], E | F, R | RegionServices<K, V>> => {
    const tag = Context.Service<Self, Region<K["Type"], V["Type"], E | F>>()(id)
    const layerFor = <I>(cache: Context.Service<I, TypedCache<unknown>>) =>
      // Not shared by reference: which cache it is over is not part of a layer's identity.
      Layer.fresh(
        Layer.effect(
          tag,
          Effect.flatMap(cache, (cache) => make(cache, id, options))
        )
      )
    return Object.assign(tag, { layer: layerFor(CacheService), layerFor })
  }
