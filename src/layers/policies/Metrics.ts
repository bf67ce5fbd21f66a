/** A policy that counts. */
import { Clock, Effect, Exit, type Layer, Metric, Option } from "effect"
import { durationOf, metricsOf } from "../../services/cache/kernel/metrics.ts"
import { type CacheName, nobody } from "../../schema/CacheName.ts"
import { type CachePolicyShape, layerPolicy, type Tally } from "../../services/CachePolicy.ts"

/**
 * Hits, misses, stores, errors by operation and tag, and a histogram of what each operation takes, in Effect's `Metric`, by cache:
 * show them with `PrometheusMetrics` or send them with `Otlp`. What `getOrSet` does besides is counted without it, too.
 */
export const policy = (): Effect.Effect<CachePolicyShape> =>
  Effect.sync(() => Object.assign(make(nobody), { forCache: make }))

/** `policy` for every cache that is built under the layer. */
export const layer = (): Layer.Layer<never> => layerPolicy(policy())

const make = (cache: CacheName): CachePolicyShape => {
  const metrics = metricsOf(cache)
  // One of each for an operation, made once.
  const durations = new Map<string, ReturnType<typeof durationOf>>()
  const durationFor = (name: string) => {
    const known = durations.get(name)
    if (known !== undefined) return known
    const made = durationOf(cache, name)
    durations.set(name, made)
    return made
  }

  return ({ name, tally }, effect) =>
    Effect.withFiber((fiber) => {
      const { context } = fiber
      const clock = fiber.getRef(Clock.Clock)
      const started = clock.monotonicTimeNanosUnsafe()
      return Effect.onExitPrimitive(effect, (exit) => {
        durationFor(name).updateUnsafe(Number(clock.monotonicTimeNanosUnsafe() - started) / 1e9, context)
        if (Exit.isSuccess(exit)) {
          const { hits, misses, stores } = tally?.(exit.value) ?? nothing
          if (hits !== undefined) metrics.hits.updateUnsafe(hits, context)
          if (misses !== undefined) metrics.misses.updateUnsafe(misses, context)
          if (stores !== undefined) metrics.stores.updateUnsafe(stores, context)
          return undefined
        }
        const error = Exit.findErrorOption(exit)
        if (Option.isSome(error)) {
          const labels = { operation: name, error: error.value._tag }
          Metric.withAttributes(metrics.errors, labels).updateUnsafe(1, context)
        }
        return undefined
      })
    })
}

const nothing: Tally = {}
