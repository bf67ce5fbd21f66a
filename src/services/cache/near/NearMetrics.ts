/** What a near cache counts, for Effect's metrics. */
import { type Context, Effect, Metric, type Scope } from "effect"
import type { CacheName } from "../../../schema/CacheName.ts"
import { gaugeOf } from "../../../schema/gauge.ts"
import type { NearCounts } from "./NearCounts.ts"

const counter = (name: string, description: string) =>
  Metric.counter(`effect_vcache_near_${name}_total`, { description, incremental: true })

const counters: Readonly<Record<keyof NearCounts, Metric.Counter<number>>> = {
  hits: counter("hits", "Reads that were answered in this process, by cache"),
  unproven: counter(
    "unproven_hits",
    "Reads that were answered in this process while changes were not announced, by cache"
  ),
  misses: counter("misses", "Reads of keys that could be near and went to the server, by cache"),
  shared: counter("shared", "Reads that waited for the reply to another read of their key, by cache"),
  invalidations: counter("invalidations", "Near entries that were dropped because their keys changed, by cache"),
  evictions: counter("evictions", "Near entries that made room for others, by cache"),
  takenOver: counter("taken_over", "Near entries that a reader with another schema or format took over, by cache"),
  discarded: counter("discarded", "Replies that were not kept because their keys changed meanwhile, by cache")
}

const downs = counter("downs", "How often changes ceased to be announced, by cache and reason")

/** What the gauges show. */
export interface NearFigures {
  readonly entries: number
  readonly bytes: number
  /** Milliseconds since all servers had proven last that they announce every change. */
  readonly proofAge: number
  readonly isLive: boolean
  readonly isWhole: boolean
}

type Gauge = readonly [name: string, description: string, of: (figures: NearFigures) => number]

const gauges: ReadonlyArray<Gauge> = [
  ["entries", "Near entries, by cache", ({ entries }) => entries],
  ["bytes", "Bytes of the keys and stored forms of near entries, by cache", ({ bytes }) => bytes],
  [
    "proof_age_seconds",
    "How long ago it was proven that every change is announced, by cache",
    ({ proofAge }) => proofAge / 1000
  ],
  ["whole", "1 while all keys of the cache are near, else 0, by cache", ({ isWhole }) => (isWhole ? 1 : 0)],
  ["live", "1 while every change is announced, else 0, by cache", ({ isLive }) => (isLive ? 1 : 0)]
]

export const nearGauges = (name: CacheName, figures: () => NearFigures): Effect.Effect<void, never, Scope.Scope> =>
  Effect.forEach(
    gauges,
    ([gauge, description, of]) => gaugeOf(`near_${gauge}`, description, { ...name }, () => of(figures())),
    { discard: true }
  )

/** Counting happens in plain numbers, because a near read is cheaper than a metric. They are told now and then. */
export class NearMetrics {
  readonly #name: CacheName
  readonly #context: Context.Context<never>
  readonly #counters: ReadonlyArray<readonly [keyof NearCounts, Metric.Metric<number, unknown>]>
  readonly #told: Partial<Record<keyof NearCounts, number>> = {}

  constructor(name: CacheName, context: Context.Context<never>) {
    const labelled = <State>(metric: Metric.Metric<number, State>) => Metric.withAttributes(metric, { ...name })
    this.#name = name
    this.#context = context
    this.#counters = [
      ["hits", labelled(counters.hits)],
      ["unproven", labelled(counters.unproven)],
      ["misses", labelled(counters.misses)],
      ["shared", labelled(counters.shared)],
      ["invalidations", labelled(counters.invalidations)],
      ["evictions", labelled(counters.evictions)],
      ["takenOver", labelled(counters.takenOver)],
      ["discarded", labelled(counters.discarded)]
    ]
  }

  tell(counts: NearCounts): void {
    for (const [name, metric] of this.#counters) {
      const count = counts[name]
      const more = count - (this.#told[name] ?? 0)
      if (more === 0) continue
      this.#told[name] = count
      metric.updateUnsafe(more, this.#context)
    }
  }

  down(reason: string): void {
    Metric.withAttributes(downs, { ...this.#name, reason }).updateUnsafe(1, this.#context)
  }
}
