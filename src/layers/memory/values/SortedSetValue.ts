/** What a sorted set holds: members by identity, and in the order of their scores. */
import { stringBytes, memberId, type StringValue } from "./StringValue.ts"

export interface Scored {
  readonly member: StringValue
  readonly id: string
  readonly score: number
}

/** By score, then by bytes. */
const before = (a: Scored, b: Scored): boolean => (a.score === b.score ? a.id < b.id : a.score < b.score)

export class SortedSetValue {
  readonly #byId = new Map<string, Scored>()
  /** In order. */
  readonly ranked: Array<Scored> = []
  #bytes = 0

  /** Of members that all differ, in any order: sorted once, because each that is put before others moves them. */
  static of(members: ReadonlyArray<Pick<Scored, "member" | "score">>): SortedSetValue {
    const set = new SortedSetValue()
    const scored = members.map(({ member, score }) => ({ member, id: memberId(member), score }))
    for (const one of scored.toSorted((a, b) => (before(a, b) ? -1 : 1))) {
      set.#byId.set(one.id, one)
      set.#bytes += stringBytes(one.member)
      set.ranked.push(one)
    }
    return set
  }

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.ranked.length === 0
  }

  find(member: StringValue): Scored | undefined {
    return this.#byId.get(memberId(member))
  }

  rank(scored: Scored): number {
    let low = 0
    let high = this.ranked.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (before(this.ranked[middle]!, scored)) low = middle + 1
      else high = middle
    }
    return low
  }

  set(member: StringValue, score: number): void {
    const old = this.find(member)
    if (old === undefined) this.#bytes += stringBytes(member)
    else this.ranked.splice(this.rank(old), 1)
    const scored = { member: old?.member ?? member, id: memberId(member), score }
    this.#byId.set(scored.id, scored)
    this.ranked.splice(this.rank(scored), 0, scored)
  }

  delete(member: StringValue): boolean {
    const old = this.find(member)
    if (old === undefined) return false
    this.cut(this.rank(old), 1)
    return true
  }

  /** Removes so many from a rank on, at once; which they were. */
  cut(from: number, count: number): ReadonlyArray<Scored> {
    const gone = this.ranked.splice(from, count)
    for (const { id, member } of gone) {
      this.#byId.delete(id)
      this.#bytes -= stringBytes(member)
    }
    return gone
  }

  copy(): SortedSetValue {
    return SortedSetValue.of(this.ranked)
  }
}
