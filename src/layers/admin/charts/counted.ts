/** What this process has counted of a cache, in Effect's metrics. */
import type { Metric } from "effect"

export type Snapshot = ReadonlyArray<Metric.Metric.Snapshot>

const ofCache = (metrics: Snapshot, cache: string, metric: string): Snapshot =>
  metrics.filter(({ attributes, id }) => id === `effect_vcache_${metric}` && attributes?.["cache"] === cache)

/** Undefined if it has counted nothing. */
export const countedIn = (metrics: Snapshot, cache: string, counter: string): number | undefined => {
  const found = ofCache(metrics, cache, `${counter}_total`)
  return found.length === 0
    ? undefined
    : found.reduce((sum, { state }) => sum + ("count" in state ? Number(state.count) : 0), 0)
}

/** The cumulative histogram of the latency: how many operations took at most `seconds`, in ascending order. Empty if none was measured. */
export const durationsIn = (
  metrics: Snapshot,
  cache: string
): ReadonlyArray<readonly [seconds: number, count: number]> => {
  const all = new Map<number, number>()
  for (const { state } of ofCache(metrics, cache, "operation_duration_seconds")) {
    if (!("buckets" in state)) continue
    for (const [seconds, count] of state.buckets) all.set(seconds, (all.get(seconds) ?? 0) + count)
  }
  return [...all].toSorted(([a], [b]) => a - b)
}
