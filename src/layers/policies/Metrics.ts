/** A policy that counts. */
import { Effect, Exit, type Layer, Metric, Option } from "effect"
import { metrics } from "../../services/cache/kernel/metrics.ts"
import { type CachePolicyShape, layerPolicy, type Tally } from "../../services/CachePolicy.ts"

/**
 * Hits, misses, stores, errors by operation and tag, and a histogram of what each operation takes, in Effect's `Metric`:
 * show them with `PrometheusMetrics` or send them with `Otlp`. What `getOrSet` does besides is counted without it, too.
 */
export const policy = (): Effect.Effect<CachePolicyShape> => Effect.sync(make)

/** `policy` for every cache that is built under the layer. */
export const layer = (): Layer.Layer<never> => layerPolicy(policy())

const make = (): CachePolicyShape => {
  // One of each for an operation, made once.
  const durations = new Map<string, ReturnType<typeof durationOf>>()
  const durationFor = (name: string) => {
    const known = durations.get(name)
    if (known !== undefined) return known
    const made = durationOf(name)
    durations.set(name, made)
    return made
  }

  return ({ name, tally }, effect) =>
    Effect.withFiber((fiber) => {
      const { context } = fiber
      return Effect.clockWith((clock) => {
        const started = clock.currentTimeNanosUnsafe()
        return Effect.onExit(effect, (exit) =>
          Effect.sync(() => {
            durationFor(name).updateUnsafe(Number(clock.currentTimeNanosUnsafe() - started) / 1e9, context)
            if (Exit.isSuccess(exit)) {
              const { hits, misses, stores } = tally?.(exit.value) ?? nothing
              if (hits !== undefined) metrics.hits.updateUnsafe(hits, context)
              if (misses !== undefined) metrics.misses.updateUnsafe(misses, context)
              if (stores !== undefined) metrics.stores.updateUnsafe(stores, context)
              return
            }
            const error = Exit.findErrorOption(exit)
            if (Option.isNone(error)) return
            Metric.withAttributes(metrics.errors, { operation: name, error: error.value._tag }).updateUnsafe(1, context)
          })
        )
      })
    })
}

const nothing: Tally = {}

const durationOf = (operation: string) => Metric.withAttributes(metrics.duration, { operation })
