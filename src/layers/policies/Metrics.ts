/** A policy that counts. */
import { Clock, Effect, Exit, type Layer, Metric, Option } from "effect"
import { durationOf, metricsOf } from "../../services/cache/kernel/metrics.ts"
import { type CacheName, nobody } from "../../schema/CacheName.ts"
import { type CachePolicyShape, layerPolicy, type Tally } from "../../services/CachePolicy.ts"

/**
 * The options of `Metrics`. Every field has a default.
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export interface MetricsOptions {
  /**
   * Whether OpenTelemetry's `db.client.operation.duration` is kept, too, in seconds, with the attributes `db.system.name`
   * (`valkey`), `db.operation.name` (the operation of the cache, not the command) and, for failures, `error.type`, besides `cache`
   * and `topology`. It costs a second histogram for each operation. Default: false.
   */
  readonly openTelemetry?: boolean | undefined
}

/**
 * Counts hits, misses, stores, and errors by operation and tag, and keeps a histogram of what each operation takes, in Effect's
 * `Metric`, by cache: show them with `PrometheusMetrics` or send them with `Otlp`. What `getOrSet` does besides is counted without
 * it, too.
 *
 * @example
 * ```ts
 * import { CacheLive, Metrics } from "effect-vcache"
 *
 * export const cache = CacheLive.layer({ name: "pages", policies: [Metrics.policy()] })
 * ```
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export const policy = (options: MetricsOptions = {}): Effect.Effect<CachePolicyShape> =>
  Effect.sync(() => {
    const forCache = (cache: CacheName) => make(cache, options)
    return Object.assign(forCache(nobody), { forCache })
  })

/**
 * Provides `policy` for every cache that is built under the layer.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { PrometheusMetrics } from "effect/observability"
 * import { CacheMemory, CacheService, Metrics } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.getMany(["user:1", "user:2"])
 *   const text = yield* PrometheusMetrics.format()
 *   console.log(text.split("\n").find((line) => line.includes('misses_total{cache="users"')))
 * })
 * Effect.runSync(Effect.provide(program, Layer.provide(CacheMemory.layer({ name: "users" }), Metrics.layer())))
 * // => effect_vcache_misses_total{cache="users",topology="memory"} 2
 * ```
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export const layer = (options: MetricsOptions = {}): Layer.Layer<never> => layerPolicy(policy(options))

const make = (cache: CacheName, { openTelemetry = false }: MetricsOptions): CachePolicyShape => {
  const metrics = metricsOf(cache)
  const durationFor = madeOnce((operation) => durationOf(cache, operation))
  const conventionalFor = madeOnce((operation) =>
    Metric.withAttributes(conventionalDuration, { ...cache, "db.operation.name": operation })
  )

  return ({ name, tally }, effect) =>
    Effect.withFiber((fiber) => {
      const { context } = fiber
      const clock = fiber.getRef(Clock.Clock)
      const started = clock.monotonicTimeNanosUnsafe()
      return Effect.onExitPrimitive(effect, (exit) => {
        const seconds = Number(clock.monotonicTimeNanosUnsafe() - started) / 1e9
        durationFor(name).updateUnsafe(seconds, context)
        if (Exit.isSuccess(exit)) {
          if (openTelemetry) conventionalFor(name).updateUnsafe(seconds, context)
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
        if (openTelemetry) {
          const type = Option.isSome(error) ? { "error.type": error.value._tag } : {}
          Metric.withAttributes(conventionalFor(name), type).updateUnsafe(seconds, context)
        }
        return undefined
      })
    })
}

const nothing: Tally = {}

const conventionalDuration = Metric.histogram("db.client.operation.duration", {
  description: "Duration of database client operations",
  attributes: { unit: "s", "db.system.name": "valkey" },
  // Those that the convention advises.
  boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
})

/** A metric that is given its labels at every update looks for its series each time. */
const madeOnce = <A>(make: (operation: string) => A): ((operation: string) => A) => {
  const known = new Map<string, A>()
  return (operation) => {
    const found = known.get(operation)
    if (found !== undefined) return found
    const made = make(operation)
    known.set(operation, made)
    return made
  }
}
