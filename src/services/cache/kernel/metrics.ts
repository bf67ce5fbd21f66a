/** What is counted. What happens seldom is counted always; what every operation would pay for, by the policy `Metrics`. */
import { Effect, Metric } from "effect"
import type { CacheName } from "../../../schema/CacheName.ts"

const descriptions = {
  lookups: "Lookups of getOrSet that ran",
  lookup_failures: "Lookups of getOrSet that failed",
  lookups_shared: "Callers of getOrSet that waited for the lookup of another caller",
  refreshes: "Lookups that ran in the background, before or after a value became stale",
  stale_served: "Stale values that getOrSet returned",
  undecodable: "Stored values that getOrSet took as misses because they cannot be decoded",
  store_failures: "Looked-up values that could not be stored",
  unstorable: "Looked-up values that no cache can store",
  lookups_discarded: "Looked-up values that were not stored, because the key changed meanwhile",
  ignored_errors: "Failures that IgnoreExceptions turned into neutral results",
  hits: "Keys that reads found",
  misses: "Keys that reads did not find",
  stores: "Values that were stored",
  errors: "Operations that failed"
}

type CounterName = keyof typeof descriptions

/** The counters of one cache. */
export type CacheMetrics = Readonly<Record<CounterName, Metric.Counter<number>>>

/**
 * Every series of a cache bears its name and its topology. They are made once for each cache: a metric that is given its
 * labels at every update looks for its series each time.
 */
export const metricsOf = ({ cache, topology }: CacheName): CacheMetrics => {
  const counter = (name: CounterName) =>
    Metric.counter(`effect_vcache_${name}_total`, {
      description: descriptions[name],
      incremental: true,
      attributes: { cache, topology }
    })
  return {
    lookups: counter("lookups"),
    lookup_failures: counter("lookup_failures"),
    lookups_shared: counter("lookups_shared"),
    refreshes: counter("refreshes"),
    stale_served: counter("stale_served"),
    undecodable: counter("undecodable"),
    store_failures: counter("store_failures"),
    unstorable: counter("unstorable"),
    lookups_discarded: counter("lookups_discarded"),
    ignored_errors: counter("ignored_errors"),
    hits: counter("hits"),
    misses: counter("misses"),
    stores: counter("stores"),
    errors: counter("errors")
  }
}

const boundaries = Metric.exponentialBoundaries({ start: 0.000_05, factor: 2, count: 18 })

/** Of one operation. */
export const durationOf = ({ cache, topology }: CacheName, operation: string): Metric.Histogram<number> =>
  Metric.histogram("effect_vcache_operation_duration_seconds", {
    description: "How long operations take",
    attributes: { cache, topology, operation },
    boundaries
  })

export const count = (metric: Metric.Counter<number>, times = 1): Effect.Effect<void> => Metric.update(metric, times)
