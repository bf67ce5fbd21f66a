/** The cache over whatever client is provided. */
import { type Context, Effect, Layer } from "effect"
import { CacheInputError } from "../../schema/CacheError.ts"
import { type CacheOptions, defaultOptions, optionsRefusal } from "../../schema/CacheOptions.ts"
import { type NearOptions, nearSettings } from "../../schema/NearOptions.ts"
import { make } from "../../services/cache/make.ts"
import { type PolicySource, policyOf } from "../../services/CachePolicy.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { rememberingClient } from "./rememberingClient.ts"

/**
 * The settings of a cache, and the policies that its operations pass. What is left out keeps its default.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export interface CacheLayerOptions extends Partial<CacheOptions> {
  /**
   * Keeps values in this process, as long as the server announces every change of them. `{}` takes all defaults. Default: false,
   * no near cache. Each layer that asks for one has a store of its own; caches over one client share its connections.
   */
  readonly near?: NearOptions | false | undefined
  /**
   * The policies of this cache. The first is the innermost, those of the context come around them, and those that absorb failures
   * are outermost. Default: none.
   */
  readonly policies?: ReadonlyArray<PolicySource> | undefined
  /** What metrics and events call the cache: their label `cache`. Default: the key of the layer's tag. */
  readonly name?: string | undefined
}

/**
 * A layer, and how it is made with other settings.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export interface Configurable<ROut, E, R, Options> extends Layer.Layer<ROut, E, R> {
  /** The same layer with these settings in place of the defaults. Settings that cannot be used fail it with `CacheInputError`. */
  readonly layer: (options?: Options) => Layer.Layer<ROut, E | CacheInputError, R>
}

export const configurable = <ROut, E, R, Options>(
  defaults: Layer.Layer<ROut, E, R>,
  layer: (options: Options | undefined) => Layer.Layer<ROut, E | CacheInputError, R>
): Configurable<ROut, E, R, Options> => Object.assign(defaults, { layer: (options?: Options) => layer(options) })

/**
 * A cache under a tag of its own, over the provided client. Each use of the layer builds a cache of its own, with the
 * policies that stand around it there; caches over one client share what coordinates lookups, locks and semaphores in the
 * process. Settings that cannot be used fail the layer with `CacheInputError`.
 *
 * @example
 * ```ts
 * import { Context, Effect, Layer } from "effect"
 * import { layerFor, type TypedCache, ValkeyMemory } from "effect-vcache"
 *
 * class Pages extends Context.Service<Pages, TypedCache<unknown>>()("app/Pages") {}
 *
 * const PagesLive = layerFor(Pages, { prefix: "pages", timeToLive: "1 minute" })
 * const program = Pages.useSync((pages) => pages.makeKey("home"))
 * console.log(Effect.runSync(Effect.provide(program, Layer.provide(PagesLive, ValkeyMemory.layer()))))
 * // => pages:1:home
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export function layerFor<Self>(tag: Context.Service<Self, TypedCache<unknown>>): Layer.Layer<Self, never, ValkeyClient>
export function layerFor<Self>(
  tag: Context.Service<Self, TypedCache<unknown>>,
  options: CacheLayerOptions
): Layer.Layer<Self, CacheInputError, ValkeyClient>
export function layerFor<Self>(
  tag: Context.Service<Self, TypedCache<unknown>>,
  { name = tag.key, near = false, policies = [], ...changes }: CacheLayerOptions = {}
): Layer.Layer<Self, CacheInputError, ValkeyClient> {
  const options = { ...defaultOptions, ...changes }
  const build = Effect.gen(function* () {
    const reason = optionsRefusal(options)
    if (reason !== undefined) return yield* new CacheInputError({ operation: "layer", reason })
    const settings = near === false ? undefined : nearSettings(near)
    if (typeof settings === "string") return yield* new CacheInputError({ operation: "layer", reason: settings })
    const client = rememberingClient(yield* ValkeyClient)
    const cacheName = { cache: name, topology: client.topology }
    return yield* make(client, options, settings, yield* policyOf(policies, cacheName), cacheName)
  })
  // Not shared by reference: the policies that stand around it are not part of a layer's identity.
  return Layer.fresh(Layer.effect(tag, build))
}

/**
 * The cache over that client, which a program has once. `Layer.provide` would make one layer of both, and so one cache of
 * all uses, with the policies that stand around the first.
 */
export const over = <ROut, E, R, E2>(
  cache: Layer.Layer<ROut, E, R>,
  client: Layer.Layer<R, E2>
): Layer.Layer<ROut, E | E2> =>
  Layer.fromBuild((memoMap, scope) =>
    Effect.flatMap(Layer.buildWithMemoMap(client, memoMap, scope), (context) =>
      Effect.provideContext(Layer.buildWithMemoMap(cache, memoMap, scope), context)
    )
  )

/**
 * `CacheService` over the provided client, with the defaults of all settings. `CacheLive.layer({ prefix: "shop" })` is the
 * same with others. Two layers of one tag in one `Layer.merge` are Effect's rule: the last one wins; give each cache a tag
 * of its own with `layerFor`.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
 *
 * const cache = CacheLive.layer({ prefix: "shop", timeToLive: "10 minutes" })
 * const program = CacheService.useSync((cache) => cache.makeKey("user:1"))
 * console.log(Effect.runSync(Effect.provide(program, Layer.provide(cache, ValkeyMemory.layer()))))
 * // => shop:1:user:1
 * ```
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export const CacheLive: Configurable<CacheService, never, ValkeyClient, CacheLayerOptions> = configurable(
  layerFor(CacheService),
  (options = {}) => layerFor(CacheService, options)
)
