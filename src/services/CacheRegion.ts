/** Typed keyspaces: keys and values of schemas, with the lookup that fills them. */
import { Context, Effect, Layer, type Option, Schema, SchemaAST } from "effect"
import { CacheInputError, type CommandError, type ValueError } from "../schema/CacheError.ts"
import { attempt, bySchema } from "../schema/codecFailures.ts"
import { schemaRefusal } from "../schema/SchemaCodec.ts"
import { escapeGlob, escapeName } from "../schema/key.ts"
import { strictJson } from "../schema/strictJson.ts"
import { withServices } from "./cache/lookups/observers.ts"
import { CacheService } from "./CacheService.ts"
import type { LookupOptions } from "./operations/CacheLookups.ts"
import type { TypedCache } from "./operations/TypedCache.ts"

export interface Region<K, A, E = never, R = never> {
  /** The cached value, else the lookup's, stored. */
  readonly get: (key: K) => Effect.Effect<A, E | CommandError, R>
  /** The values that are cached, and those of the others by one `lookupMany`, or where there is none by a lookup each. A key without a value is absent. */
  readonly getMany: (keys: Iterable<K>) => Effect.Effect<ReadonlyMap<K, A>, E | CommandError, R>
  /** Without a lookup. None also where the value is stale. */
  readonly getCached: (key: K) => Effect.Effect<Option.Option<A>, ValueError, R>
  /** Stores it as a lookup's result would be. */
  readonly set: (key: K, value: A) => Effect.Effect<void, ValueError, R>
  /** Looks it up and stores it, whatever is cached. */
  readonly refresh: (key: K) => Effect.Effect<A, E | CommandError, R>
  /**
   * Later reads see nothing older: a lookup already running is returned to its callers but not stored. That holds in this
   * process, with `singleFlight: "cluster"` in all that share the server.
   */
  readonly invalidate: (key: K) => Effect.Effect<void, CommandError, R>
  /** The user key of the entry in the cache: for `CacheReactivity`, and for a look at it by other means. */
  readonly cacheKey: (key: K) => Effect.Effect<string, CacheInputError, R>
  /** Deletes all entries of the region, in the cache's version; how many there were. */
  readonly clear: Effect.Effect<number, CommandError>
}

export interface RegionOptions<K extends Schema.Constraint, V extends Schema.Constraint, E, R> extends Omit<
  LookupOptions<V["Type"]>,
  "keepFor"
> {
  readonly key: K
  readonly value: V
  readonly lookup: (key: K["Type"]) => Effect.Effect<V["Type"], E, R>
  /** For `getMany`: one lookup for all keys that are missing. It may leave keys out. */
  readonly lookupMany?:
    | ((keys: ReadonlyArray<K["Type"]>) => Effect.Effect<Iterable<readonly [K["Type"], V["Type"]]>, E, R>)
    | undefined
  /** What its keys start with, under the cache's prefix and version; a colon in it is written `%3A`. Default: the id of the service. */
  readonly name?: string | undefined
}

/** What keys and values need to be coded. */
type Services<K extends Schema.Constraint, V extends Schema.Constraint> =
  | K["DecodingServices"]
  | K["EncodingServices"]
  | V["DecodingServices"]
  | V["EncodingServices"]

/** Lookups at once, where there is no `lookupMany`. */
const concurrency = 16

/**
 * A region over a cache. What its lookup needs is taken from the context now. Of its callers a lookup sees only by whom
 * they are observed: clock, loggers, tracer, metrics and annotations. It has a scope of its own, which closes when it ends.
 * Fails with a `CacheInputError` where the cache could store no value of the schema, or take no key of it.
 */
export const make = Effect.fnUntraced(function* <K extends Schema.Constraint, V extends Schema.Constraint, E, R>(
  cache: TypedCache<unknown>,
  id: string,
  { key, lookup, lookupMany, name = id, value, ...options }: RegionOptions<K, V, E, R>
): Effect.fn.Return<Region<K["Type"], V["Type"], E>, CacheInputError, R | Services<K, V>> {
  type Needs = R | Services<K, V>
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
  const lookedUp = (key: K["Type"]) => ofTheRegion(Effect.suspend(() => lookup(key)))
  const { jitter, near, staleFor, timeToLive, version } = options
  const { singleFlight: _, softTimeout: __, waitFor: ___, ...alone } = options
  const spread = jitter === undefined ? values : values.withOptions({ jitter })

  return {
    get: (key) => supplied(Effect.flatMap(textOf("get", key), (text) => values.getOrSet(text, lookedUp(key), options))),
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
                      Effect.map(values.getOrSet(text, lookedUp(key), options), (value) => [text, value] as const),
                    { concurrency }
                  )
                )
              : yield* values.getOrSetMany(
                  byText.keys(),
                  (missing) =>
                    Effect.flatMap(ofTheRegion(Effect.suspend(() => lookupMany(looked(missing)))), (pairs) =>
                      Effect.forEach(pairs, ([key, value]) =>
                        Effect.map(textOf("getMany", key), (text) => [text, value] as const)
                      )
                    ),
                  alone
                )
          return new Map([...found].map(([text, value]) => [byText.get(text), value] as const))
        })
      ),
    getCached: (key) =>
      supplied(Effect.flatMap(textOf("getCached", key), (text) => values.get(text, { version, near }))),
    set: (key, value) =>
      supplied(
        Effect.flatMap(textOf("set", key), (text) =>
          Effect.asVoid(
            spread.set(text, value, {
              version,
              staleFor: typeof staleFor === "function" ? staleFor(value) : staleFor,
              timeToLive: typeof timeToLive === "function" ? timeToLive(value) : timeToLive
            })
          )
        )
      ),
    refresh: (key) =>
      supplied(Effect.flatMap(textOf("refresh", key), (text) => values.refresh(text, lookedUp(key), alone))),
    invalidate: (key) =>
      supplied(Effect.flatMap(textOf("invalidate", key), (text) => Effect.asVoid(values.delete(text, { version })))),
    cacheKey: (key) => supplied(textOf("cacheKey", key)),
    clear: Effect.suspend(() => values.deletePattern(`${escapeGlob(head)}:*`, { version }))
  }
})

const keyText = <K extends Schema.Constraint>(name: string, schema: K) =>
  Effect.map(
    Effect.try({
      try: () => Schema.toCodecJson(schema),
      catch: () => unusable(name, "its keys cannot be text: the schema has no form in JSON")
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
 *     class Users extends CacheRegion.Service<Users>()("app/Users", {
 *       key: Schema.Int, value: User, timeToLive: "5 minutes", staleFor: "1 hour",
 *       lookup: (id) => UserRepo.use((repo) => repo.find(id))
 *     }) {}
 */
export const Service =
  <Self>() =>
  <const Id extends string, K extends Schema.Constraint, V extends Schema.Constraint, E = never, R = never>(
    id: Id,
    options: RegionOptions<K, V, E, R>
  ): RegionClass<Self, Id, K["Type"], V["Type"], E, R | Services<K, V>> => {
    const tag = Context.Service<Self, Region<K["Type"], V["Type"], E>>()(id)
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
