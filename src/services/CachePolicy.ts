/** Policies: the one place that every operation of a cache passes. */
import { Context, Effect, Layer, type Option, type Scope } from "effect"
import type { CacheError, CommandError } from "../schema/CacheError.ts"
import type { Notify } from "../schema/CacheNotice.ts"
import type { CacheName } from "../schema/CacheName.ts"

/**
 * What a result says about the cache's use.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export interface Tally {
  /** Keys that were found. Default: 0. */
  readonly hits?: number | undefined
  /** Keys that were not found. Default: 0. */
  readonly misses?: number | undefined
  /** Values that were stored. Default: 0. */
  readonly stores?: number | undefined
  /** Of the hits: those that were served past their lifetime. */
  readonly stale?: number | undefined
}

/**
 * What a policy is told about the one operation that it wraps.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export interface Operation<A> {
  /** "get", "setMany", "getOrSet" … */
  readonly name: string
  /** The user key; undefined where there are several or none. */
  readonly key: string | undefined
  /** What "as if the cache were empty" means here; none where pretending would be a lie (locks, transactions). */
  readonly neutral: Option.Option<A>
  /** What it gives where the cache is disabled, and nobody is asked. Default: as `neutral`. */
  readonly disabled?: Option.Option<A> | undefined
  /** For metrics. */
  readonly tally?: ((result: A) => Tally) | undefined
  /** How many keys were answered in this process, by the near cache. Undefined = none. */
  readonly near?: number | undefined
}

/**
 * A lookup of `getOrSet`, `getOrSetMany` or `refresh`: the same object for all that concerns it.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export interface ObservedLookup {
  /** The name of the operation: `getOrSet`, `refresh` … */
  readonly operation: string
  /** The user key; undefined where there are several. */
  readonly key: string | undefined
}

/**
 * What passes no policy, and can be observed. `lookup`: the program's own lookup. `refresh`: a lookup in the background with the store of what it
 * gives, which outlives its caller. `wait`: the time that a caller waits for a lookup that another caller has begun.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export type LookupPart = "lookup" | "refresh" | "wait"

/**
 * Wraps a part of a lookup without changing what it gives.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export type Observe = <A, E, R>(
  part: LookupPart,
  lookup: ObservedLookup,
  effect: Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

/**
 * A function that wraps each operation of a cache.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export interface CachePolicyShape {
  /** What it adds to the failures of an operation is what any command can fail with. */
  <A, E extends CacheError, R>(
    operation: Operation<A>,
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | CommandError, R>
  /** Turns failures into results, and so comes after all policies that must see the failures. */
  readonly absorbs?: boolean | undefined
  /** For policies that only observe. Default: lookups are not observed. */
  readonly observe?: Observe | undefined
  /** Decides by how the server answers, and so is not asked where the near cache answers without it. */
  readonly judges?: boolean | undefined
  /** Told of what happens in the cache beside its operations, synchronously. Default: it is not told. */
  readonly notify?: Notify | undefined
  /**
   * For policies in which something happens that others are told of: called for each cache with what tells them, it returns what
   * ends that. Default: nothing happens in it.
   */
  readonly notices?: ((notify: Notify) => () => void) | undefined
  /** For policies that tell caches apart: the policy of the cache of this name, which takes the place of this one there. */
  readonly forCache?: ((name: CacheName) => CachePolicyShape) | undefined
}

/** The policies of a cache as one. */
export interface ComposedPolicy extends CachePolicyShape {
  /** Those that a near value passes: all but those that judge the server, and those that absorb its failures. */
  readonly forNear: CachePolicyShape | undefined
}

/**
 * A policy, or an effect that makes one with a state of its own for each cache, in whose scope it lives.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export type PolicySource = CachePolicyShape | Effect.Effect<CachePolicyShape, never, Scope.Scope>

/** A policy that stands in the context. */
class Ambient {
  readonly policy: CachePolicyShape

  constructor(policy: CachePolicyShape) {
    this.policy = policy
  }
}

/** Each layer has a key of its own, or the last of two that stand side by side would be the only one. */
const keyPrefix = "effect-vcache/CachePolicy/"
let keys = 0

const Spared = Context.Reference<ReadonlySet<Ambient>>("effect-vcache/CachePolicy.none", {
  defaultValue: () => new Set()
})

/** Outermost first: what is provided nearest to the cache comes last into the context. */
const ambientIn = (context: Context.Context<never>): ReadonlyArray<Ambient> => {
  const spared = Context.get(context, Spared)
  return [...context.mapUnsafe].flatMap(([key, value]: [string, unknown]) =>
    key.startsWith(keyPrefix) && value instanceof Ambient && !spared.has(value) ? [value] : []
  )
}

/** Tells all of them that want to know. */
const notifyAll = (all: ReadonlyArray<CachePolicyShape>): Notify | undefined => {
  const told = all.flatMap(({ notify }) => notify ?? [])
  return told.length === 0
    ? undefined
    : (notice) => {
        for (const notify of told) notify(notice)
      }
}

/** One policy of all; the first is the innermost, but those that absorb failures come after all others. */
const compose = (all: ReadonlyArray<CachePolicyShape>): CachePolicyShape | undefined => {
  if (all.length <= 1) return all[0]
  const parts = [...all.filter(({ absorbs }) => absorbs !== true), ...all.filter(({ absorbs }) => absorbs === true)]
  const composed = <A, E extends CacheError, R>(operation: Operation<A>, effect: Effect.Effect<A, E, R>) =>
    parts.reduce<Effect.Effect<A, E | CommandError, R>>((wrapped, policy) => policy(operation, wrapped), effect)
  const observers = parts.flatMap(({ observe }) => observe ?? [])
  const observe: Observe = (part, lookup, effect) =>
    observers.reduce((wrapped, observe) => observe(part, lookup, wrapped), effect)
  return observers.length === 0 ? composed : Object.assign(composed, { observe })
}

const withNear = (all: ReadonlyArray<CachePolicyShape>): ComposedPolicy | undefined => {
  const policy = compose(all)
  if (policy === undefined) return undefined
  const forNear = compose(all.filter(({ absorbs, judges }) => absorbs !== true && judges !== true))
  const composed: CachePolicyShape = (operation, effect) => policy(operation, effect)
  return Object.assign(composed, { observe: policy.observe, notify: notifyAll(all), forNear })
}

/** The policy of a cache that is built here: its own ones innermost, around them those of the context. */
export const policyOf = (
  own: ReadonlyArray<PolicySource>,
  name: CacheName
): Effect.Effect<ComposedPolicy | undefined, never, Scope.Scope> =>
  Effect.gen(function* () {
    const made: Array<CachePolicyShape> = []
    for (const source of own) made.push(Effect.isEffect(source) ? yield* source : source)
    const context = yield* Effect.context<never>()
    const ambient = ambientIn(context).map(({ policy }) => policy)
    const all = [...made, ...ambient.toReversed()].map((policy) => policy.forCache?.(name) ?? policy)
    const composed = withNear(all)
    const notify = composed?.notify
    if (notify !== undefined) {
      for (const { notices } of all) {
        if (notices === undefined) continue
        yield* Effect.acquireRelease(
          Effect.sync(() => notices(notify)),
          (end) => Effect.sync(end)
        )
      }
    }
    return composed
  })

/** A policy as a layer. Each place where it is provided has an instance of its own. */
export const layerPolicy = <E, R>(make: Effect.Effect<CachePolicyShape, E, R>) => {
  const key = Context.Reference<Ambient | undefined>(`${keyPrefix}${keys++}`, { defaultValue: () => undefined })
  return Layer.fresh(
    Layer.effect(
      key,
      Effect.map(make, (policy) => new Ambient(policy))
    )
  )
}

/**
 * Policies that reach every cache that is built under them: `Layer.provide(caches, CachePolicy.layer(policy))`. They add
 * up, whether they stand in an array, in a chain or in a merge; one layer that is given twice counts once. The one
 * nearest to the cache is the innermost, but those that absorb failures come after all others. A cache that was built
 * before, and so stands in the context already, is not reached.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheMemory, CachePolicy, CacheService } from "effect-vcache"
 *
 * const logging = CachePolicy.layer((operation, effect) =>
 *   Effect.tap(effect, () => Effect.sync(() => console.log(operation.name, operation.key)))
 * )
 * const program = CacheService.use((cache) => Effect.andThen(cache.set("user:1", "Ada"), cache.get("user:1")))
 * Effect.runSync(Effect.provide(program, Layer.provide(CacheMemory, logging)))
 * // => set user:1
 * // => get user:1
 * ```
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export const CachePolicy: {
  /** Adds a policy to those around it. */
  readonly layer: (policy: CachePolicyShape) => Layer.Layer<never>
  /** Spares the caches that are built under it the policies around it. */
  readonly none: Layer.Layer<never>
} = {
  layer: (policy) => layerPolicy(Effect.succeed(policy)),
  none: Layer.fresh(
    Layer.effect(
      Spared,
      Effect.contextWith((context: Context.Context<never>) =>
        Effect.succeed(new Set([...Context.get(context, Spared), ...ambientIn(context)]))
      )
    )
  )
}
