/** Policies: the one place that every operation of a cache passes. */
import { Context, Effect, Layer, type Option } from "effect"
import type { CacheError } from "../schema/CacheError.ts"

/** What a result says about the cache's use. */
export interface Tally {
  readonly hits?: number | undefined
  readonly misses?: number | undefined
  readonly stores?: number | undefined
}

/** What a policy is told about the one operation that it wraps. */
export interface Operation<A> {
  /** "get", "setMany", "getOrSet" … */
  readonly name: string
  /** The user key; undefined where there are several or none. */
  readonly key: string | undefined
  /** What "as if the cache were empty" means here; none where pretending would be a lie (locks, transactions). */
  readonly neutral: Option.Option<A>
  /** For metrics. */
  readonly tally?: ((result: A) => Tally) | undefined
}

export interface CachePolicyShape {
  <A, R>(operation: Operation<A>, effect: Effect.Effect<A, CacheError, R>): Effect.Effect<A, CacheError, R>
  /** Turns failures into results, and so comes after all policies that must see the failures. */
  readonly absorbs?: boolean | undefined
}

const reference = Context.Reference<CachePolicyShape | undefined>("effect-vcache/CachePolicy", {
  defaultValue: () => undefined
})

/** A policy made of others keeps them, so that they can be put in order again. */
const partsOf = new WeakMap<CachePolicyShape, ReadonlyArray<CachePolicyShape>>()

const compose = (inner: CachePolicyShape, outer: CachePolicyShape | undefined): CachePolicyShape => {
  if (outer === undefined) return inner
  const all = [inner, ...(partsOf.get(outer) ?? [outer])]
  const parts = [...all.filter(({ absorbs }) => absorbs !== true), ...all.filter(({ absorbs }) => absorbs === true)]
  const composed: CachePolicyShape = (operation, effect) =>
    parts.reduce((wrapped, policy) => policy(operation, wrapped), effect)
  partsOf.set(composed, parts)
  return composed
}

/**
 * A policy as a layer. Of several the one nearest to the cache is the innermost, but those that absorb failures come
 * after all others, in whichever order the layers stand. Each place where it is provided has an instance of its own.
 */
export const layerPolicy = <E, R>(make: Effect.Effect<CachePolicyShape, E, R>) =>
  Layer.fresh(
    Layer.effect(
      reference,
      reference.use((outer) => Effect.map(make, (policy) => compose(policy, outer)))
    )
  )

/**
 * Read when a cache is built. Default: no policy, no cost. `CachePolicy.layer` adds a policy of one's own to those around
 * it; `Layer.succeed(CachePolicy, undefined)` spares a cache the policies of all others.
 */
export const CachePolicy: Context.Reference<CachePolicyShape | undefined> & {
  readonly layer: (policy: CachePolicyShape) => Layer.Layer<never>
} = Object.assign(reference, { layer: (policy: CachePolicyShape) => layerPolicy(Effect.succeed(policy)) })
