/** The figures of the charts: what happened in a cache between two looks. */
import { countedIn, durationsIn, type Snapshot } from "./counted.ts"

/** All that was counted up to a moment. */
export interface Reading {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly hits: number | undefined
  readonly misses: number | undefined
  readonly nearHits: number | undefined
  readonly durations: ReadonlyArray<readonly [seconds: number, count: number]>
  /** The memory of all servers that answer, and the evictions of each; undefined if none answers. */
  readonly servers: { readonly memory: number; readonly evicted: ReadonlyMap<string, number> } | undefined
}

/** A figure is null if nothing is counted, or if nothing happened from which it could be computed. */
export interface Figures {
  /** Percent of the reads. */
  readonly hitRate: number | null
  /** Operations of this process, each second. */
  readonly operations: number | null
  /** The 50th and the 99th percentile of the latency, in milliseconds. */
  readonly median: number | null
  readonly p99: number | null
  /** Bytes that the servers use. */
  readonly memory: number | null
  /** Keys, each second. */
  readonly evicted: number | null
  /** Reads that were answered in this process, each second. */
  readonly near: number | null
}

export const readingOf = (metrics: Snapshot, cache: string, servers: Reading["servers"], at: number): Reading => ({
  at,
  hits: countedIn(metrics, cache, "hits"),
  misses: countedIn(metrics, cache, "misses"),
  nearHits: countedIn(metrics, cache, "near_hits"),
  durations: durationsIn(metrics, cache),
  servers
})

export const figuresBetween = (before: Reading, now: Reading): Figures => {
  const seconds = (now.at - before.at) / 1000
  const rate = (earlier: number | undefined, later: number | undefined): number | null =>
    later === undefined || seconds <= 0 ? null : Math.max(0, later - (earlier ?? 0)) / seconds
  const hits = (now.hits ?? 0) - (before.hits ?? 0)
  const reads = hits + (now.misses ?? 0) - (before.misses ?? 0)
  const earlier = new Map(before.durations)
  const durations = now.durations.map(([limit, count]) => [limit, count - (earlier.get(limit) ?? 0)] as const)
  return {
    hitRate: reads <= 0 ? null : (100 * hits) / reads,
    operations: rate(before.durations.at(-1)?.[1], now.durations.at(-1)?.[1]),
    median: quantile(durations, 0.5),
    p99: quantile(durations, 0.99),
    memory: now.servers?.memory ?? null,
    evicted: now.servers === undefined ? null : rate(0, evictedSince(before.servers?.evicted, now.servers.evicted)),
    near: rate(before.nearHits, now.nearHits)
  }
}

/** A server that did not answer the first look counts as 0. Its total since it started is not what happened in between. */
const evictedSince = (before: ReadonlyMap<string, number> | undefined, now: ReadonlyMap<string, number>): number =>
  [...now].reduce((sum, [server, count]) => sum + Math.max(0, count - (before?.get(server) ?? count)), 0)

/** The upper bound of the histogram bucket that contains the quantile, in milliseconds. */
const quantile = (durations: Reading["durations"], share: number): number | null => {
  const all = durations.at(-1)?.[1] ?? 0
  const within = durations.find(([, count]) => count >= share * all)
  return all === 0 || within === undefined ? null : 1000 * within[0]
}
