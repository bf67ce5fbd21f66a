/** Whether what processes have read keeps the promises of a near cache. */
import { nothing, type ProcessHistory, readWidth, writeWidth } from "./History.ts"

export type Promised = "stale" | "past its lifetime" | "behind an own write" | "backwards" | "different after quiet"

export interface Verdict {
  readonly reads: number
  readonly near: number
  readonly failed: number
  readonly violations: Readonly<Record<Promised, number>>
  readonly examples: ReadonlyArray<string>
  /** How long after a change the old value was read, in milliseconds. */
  readonly staleness: { readonly p50: number; readonly p99: number; readonly max: number }
}

interface Change {
  readonly value: number
  readonly start: number
  readonly end: number
  /** Infinity = for ever. Microseconds. */
  readonly lifetime: number
  readonly writer: string
}

/** By how much clocks of servers and processes differ, and what a millisecond hides. Microseconds. */
const slack = 3000

/** `maxStaleness` in milliseconds. */
export const checkHistories = (histories: ReadonlyArray<ProcessHistory>, maxStaleness: number): Verdict => {
  const allowed = maxStaleness * 1000 + slack
  const changes = changesOf(histories)
  const violations: Record<Promised, number> = {
    stale: 0,
    "past its lifetime": 0,
    "behind an own write": 0,
    backwards: 0,
    "different after quiet": 0
  }
  const examples: Array<string> = []
  const staleness: Array<number> = []
  const violated = (promised: Promised, what: string) => {
    violations[promised]++
    if (examples.length < 20) examples.push(`${promised}: ${what}`)
  }
  let reads = 0

  for (const { different, name, reads: columns } of histories) {
    for (const what of different) violated("different after quiet", `${name}: ${what}`)
    /** What a later read must not fall behind, by key: values of reads that have ended, in the order of their ends. */
    const seen = new Map<number, Seen>()
    reads += columns.length / readWidth
    for (const at of inOrder(columns, readWidth)) {
      const [key = 0, value = 0, start = 0, end = 0] = columns.subarray(at, at + readWidth)
      const all = changes.get(key)
      if (all === undefined) continue
      const what = `${name} read ${value} of key ${key} at ${Math.round(start / 1000)} ms`
      if (value === nothing) {
        if (all.isPlain && !mayBeAbsent(all.changes, start - allowed, end)) violated("stale", `${what}: it was there`)
      } else {
        const over = all.overAt(value)
        if (over === undefined) violated("stale", `${what}: nobody has written it`)
        else {
          if (start > over.replaced) staleness.push((start - over.replaced) / 1000)
          if (start > over.replaced + allowed) {
            violated("stale", `${what}: it was replaced ${Math.round((start - over.replaced) / 1000)} ms before`)
          }
          if (start > over.expired + slack) {
            violated("past its lifetime", `${what}: it ended ${Math.round((start - over.expired) / 1000)} ms before`)
          }
        }
      }
      const own = all.ownBefore(name, start)
      if (own !== undefined && (value === nothing ? !all.mayHaveGone(own, end) : value < own.value)) {
        violated("behind an own write", `${what}: it had written ${own.value} at ${Math.round(own.end / 1000)} ms`)
      }
      const before = seen.get(key) ?? new Seen()
      seen.set(key, before)
      if (value !== nothing && value < before.by(start))
        violated("backwards", `${what}: it had read ${before.by(start)}`)
      if (value !== nothing) before.add(value, end)
    }
  }
  const sorted = staleness.toSorted((a, b) => a - b)
  const quantile = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
  return {
    reads,
    near: histories.reduce((sum, { near }) => sum + near, 0),
    failed: histories.reduce((sum, { failed }) => sum + failed, 0),
    violations,
    examples,
    staleness: { p50: quantile(0.5), p99: quantile(0.99), max: sorted.at(-1) ?? 0 }
  }
}

/** The greatest value that had been read by some time. */
class Seen {
  readonly #ends: Array<readonly [end: number, value: number]> = []
  #greatest = nothing

  add(value: number, end: number): void {
    this.#ends.push([end, value])
  }

  /** Times come in the order of the starts of reads, in which few ends are out of order. */
  by(start: number): number {
    const pending: Array<readonly [number, number]> = []
    for (const one of this.#ends) {
      if (one[0] < start) this.#greatest = Math.max(this.#greatest, one[1])
      else pending.push(one)
    }
    this.#ends.length = 0
    this.#ends.push(...pending)
    return this.#greatest
  }
}

class KeyChanges {
  readonly changes: ReadonlyArray<Change>
  readonly #over = new Map<number, { readonly replaced: number; readonly expired: number }>()
  readonly #own = new Map<string, Array<Change>>()
  /** One process alone has changed it, and knows when, so that the order of its states is known. */
  readonly isPlain: boolean

  constructor(changes: ReadonlyArray<Change>) {
    this.changes = changes.toSorted((a, b) => a.start - b.start)
    this.isPlain =
      new Set(changes.map(({ writer }) => writer)).size === 1 && changes.every(({ end }) => end !== Infinity)
    // From the last to the first: what is later has ended whatever is before it.
    for (const change of this.changes) {
      if (change.value === nothing) continue
      const own = this.#own.get(change.writer) ?? []
      own.push(change)
      this.#own.set(change.writer, own)
      const later = this.changes.filter(({ start }) => start > change.end)
      this.#over.set(change.value, {
        replaced: Math.min(Infinity, ...later.slice(0, 50).map(({ end }) => end)),
        expired: change.end + change.lifetime
      })
    }
  }

  /** When at the latest the value was replaced, and when it expired; undefined where nobody has written it. */
  overAt(value: number): { readonly replaced: number; readonly expired: number } | undefined {
    return this.#over.get(value)
  }

  /** The last value that the process had written by then. */
  ownBefore(name: string, instant: number): Change | undefined {
    const own = this.#own.get(name)
    if (own === undefined) return undefined
    let low = 0
    let high = own.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (own[middle]!.end < instant) low = middle + 1
      else high = middle
    }
    return own[low - 1]
  }

  /** Whether the value may have ended by then: by a deletion, a flush or its lifetime. */
  mayHaveGone({ lifetime, start }: Change, instant: number): boolean {
    if (instant >= start + lifetime) return true
    return this.changes.some((change) => change.value === nothing && change.end > start && change.start <= instant)
  }
}

/** Whether there may have been nothing at some time between the two. The changes are one after the other. */
const mayBeAbsent = (changes: ReadonlyArray<Change>, from: number, to: number): boolean => {
  const [first] = changes
  if (first === undefined || first.end >= from) return true
  for (const [i, { lifetime, start, value }] of changes.entries()) {
    if (start > to) return false
    const begins = value === nothing ? start : start + lifetime
    const ends = changes[i + 1]?.end ?? Infinity
    if (begins <= to && begins <= ends && ends >= from) return true
  }
  return false
}

const changesOf = (histories: ReadonlyArray<ProcessHistory>): ReadonlyMap<number, KeyChanges> => {
  const byKey = new Map<number, Array<Change>>()
  const everywhere: Array<Change> = []
  for (const { name, writes } of histories) {
    for (const at of inOrder(writes, writeWidth)) {
      const [key = 0, value = 0, start = 0, end = 0, lifetime = 0] = writes.subarray(at, at + writeWidth)
      const change = { value, start, end, lifetime: lifetime === 0 ? Infinity : lifetime * 1000, writer: name }
      if (key < 0) {
        everywhere.push(change)
        continue
      }
      const known = byKey.get(key)
      if (known === undefined) byKey.set(key, [change])
      else known.push(change)
    }
  }
  return new Map([...byKey].map(([key, changes]) => [key, new KeyChanges([...changes, ...everywhere])]))
}

/** Where each row begins, by the starts of what they tell of. */
const inOrder = (columns: Float64Array, width: number): Uint32Array => {
  const rows = Uint32Array.from({ length: columns.length / width }, (_, row) => row * width)
  return rows.toSorted((a, b) => columns[a + 2]! - columns[b + 2]!)
}
