/** A policy that turns an outage into misses. */
import { Clock, Duration, Effect, Layer, Metric, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import { type CacheMetrics, metricsOf } from "../../services/cache/kernel/metrics.ts"
import { type CacheName, nobody } from "../../schema/CacheName.ts"
import { type CachePolicyShape, layerPolicy } from "../../services/CachePolicy.ts"

/**
 * The options of `IgnoreExceptions.policy` and `IgnoreExceptions.layer`. Every field has a default.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export interface IgnoreExceptionsOptions {
  /** Whether what is ignored is logged. Default: true. */
  readonly log?: boolean | undefined
  /** The level of the log lines. Default: `"Warn"`. */
  readonly logLevel?: "Debug" | "Info" | "Warn" | "Error" | undefined
  /** The time in which at most one line is logged; the next line says how many were kept back. Default: 10 seconds. */
  readonly logInterval?: Duration.Input | undefined
  /** Whether the server's error replies are ignored, too: OOM, READONLY, WRONGTYPE … Default: false. */
  readonly serverErrors?: boolean | undefined
}

/**
 * Turns connection and timeout errors into the operation's neutral result: reads miss, writes report false or 0. Bad arguments and
 * values that cannot be coded still fail, and so do operations for which pretending would be a lie. What is ignored is counted, by
 * operation and tag.
 *
 * @example
 * ```ts
 * import { CacheLive, IgnoreExceptions } from "effect-vcache"
 *
 * // The other caches of the program go on failing.
 * export const cache = CacheLive.layer({ policies: [IgnoreExceptions.policy({ logInterval: "1 minute" })] })
 * ```
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export const policy = (options: IgnoreExceptionsOptions = {}): Effect.Effect<CachePolicyShape> =>
  Effect.sync(() => make(options))

/**
 * Provides `policy` for every cache that is built under the layer.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, IgnoreExceptions, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   yield* (yield* Faults.Faults).set({ failure: "refused" })
 *   console.log(yield* CacheService.use((cache) => cache.getOrSet("user:1", Effect.succeed("Ada"))))
 * })
 * const cache = Layer.provide(CacheLive, IgnoreExceptions.layer({ log: false }))
 * Effect.runSync(Effect.provide(program, Layer.provideMerge(cache, Layer.provide(Faults.layer, ValkeyMemory.layer()))))
 * // => Ada
 * ```
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export const layer = (options: IgnoreExceptionsOptions = {}): Layer.Layer<never> => layerPolicy(policy(options))

const make = ({
  log = true,
  logInterval = Duration.seconds(10),
  logLevel = "Warn",
  serverErrors = false
}: IgnoreExceptionsOptions): CachePolicyShape => {
  const ignores = ({ _tag }: CacheError): boolean =>
    _tag === "CacheConnectionError" || _tag === "CacheTimeoutError" || (serverErrors && _tag === "CacheServerError")
  const interval = Duration.toMillis(Duration.fromInputUnsafe(logInterval))
  let nextLog = -Infinity
  let suppressed = 0

  const logged = (error: CacheError) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (now < nextLog) {
        suppressed++
        return Effect.void
      }
      nextLog = now + interval
      const more = suppressed === 0 ? "" : `; ${suppressed} more were ignored since the last line`
      suppressed = 0
      return Effect.logWithLevel(logLevel)(`cache failure ignored: ${describe(error)}${more}`)
    })

  const policy = (metrics: CacheMetrics): CachePolicyShape => {
    const ignoring: CachePolicyShape = (operation, effect) =>
      Effect.catch(effect, (error) => {
        if (!ignores(error) || Option.isNone(operation.neutral)) return Effect.fail(error)
        const counted = Metric.update(
          Metric.withAttributes(metrics.ignored_errors, { operation: operation.name, error: error._tag }),
          1
        )
        return counted.pipe(Effect.andThen(log ? logged(error) : Effect.void), Effect.as(operation.neutral.value))
      })
    return Object.assign(ignoring, { absorbs: true })
  }
  // The caches under one layer share its log lines, and each has counters of its own.
  return Object.assign(policy(metricsOf(nobody)), { forCache: (name: CacheName) => policy(metricsOf(name)) })
}

/** The message without the key that some of them name. */
const describe = (error: CacheError): string =>
  error._tag === "CacheConnectionError" || error._tag === "CacheTimeoutError" || error._tag === "CacheServerError"
    ? `${error._tag}: ${error.message}`
    : error._tag
