/** What is counted. What happens seldom is counted always; what every operation would pay for, by the policy `Metrics`. */
import { Effect, Metric } from "effect"

const counter = (name: string, description: string) =>
  Metric.counter(`effect_vcache_${name}_total`, { description, incremental: true })

export const metrics = {
  lookups: counter("lookups", "Lookups of getOrSet that ran"),
  lookupFailures: counter("lookup_failures", "Lookups of getOrSet that failed"),
  shared: counter("lookups_shared", "Callers of getOrSet that waited for the lookup of another"),
  refreshes: counter("refreshes", "Lookups that ran in the background, before or after a value became stale"),
  staleServed: counter("stale_served", "Stale values that getOrSet gave"),
  undecodable: counter("undecodable", "Stored values that getOrSet took as misses because they cannot be decoded"),
  storeFailures: counter("store_failures", "Looked-up values that could not be stored"),
  unstorable: counter("unstorable", "Looked-up values that no cache can store, by cache"),
  discarded: counter("lookups_discarded", "Looked-up values that were not stored, because the key changed meanwhile"),
  ignored: counter("ignored_errors", "Failures that IgnoreExceptions turned into neutral results"),
  hits: counter("hits", "Keys that were there"),
  misses: counter("misses", "Keys that were not"),
  stores: counter("stores", "Values that were stored"),
  errors: counter("errors", "Operations that failed")
}

const boundaries = Metric.exponentialBoundaries({ start: 0.000_05, factor: 2, count: 18 })

/** Of one operation. Made once for each: a metric that is given its labels at every update looks for its series each time. */
export const durationOf = (operation: string): Metric.Histogram<number> =>
  Metric.histogram("effect_vcache_operation_duration_seconds", {
    description: "How long operations take",
    attributes: { operation },
    boundaries
  })

export const count = (metric: Metric.Counter<number>): Effect.Effect<void> => Metric.update(metric, 1)
