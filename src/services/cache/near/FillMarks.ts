/**
 * Marks on reads under way. A reply may have left the server before a change that was announced while it travelled, so
 * that every change marks the reads of its key, and a marked reply is never kept.
 */
import { Fill } from "./Fill.ts"

export class FillMarks<A = unknown> {
  /** The unmarked reads of each key; the latest leads to those before it. */
  readonly #underWay = new Map<string, Fill<A>>()
  /** Reads of an earlier epoch are marked, all of them. */
  #epoch = 0

  get size(): number {
    return this.#underWay.size
  }

  begin(key: string, now: number, codec: object | undefined): Fill<A> {
    const fill = new Fill<A>(key, now, codec, this.#epoch)
    const before = this.#underWay.get(key)
    if (before !== undefined) {
      before.isFollowed = true
      fill.next = before
    }
    this.#underWay.set(key, fill)
    return fill
  }

  /** A read of the key that nothing has happened to, which began at `earliest` or later. */
  joinable(key: string, earliest: number, codec: object | undefined): Fill<A> | undefined {
    for (let fill = this.#underWay.get(key); fill !== undefined; fill = fill.next) {
      if (fill.codec === codec && fill.beganAt >= earliest) return fill
    }
    return undefined
  }

  isMarked(fill: Fill<A>): boolean {
    return fill.isOutdated || fill.epoch !== this.#epoch
  }

  /** The key may have changed. */
  mark(key: string): void {
    let fill = this.#underWay.get(key)
    if (fill === undefined) return
    this.#underWay.delete(key)
    for (; fill !== undefined; fill = fill.next) fill.isOutdated = true
  }

  /** The read has its reply: nobody knows which is the newer one, that or the reply to another read under way. */
  end(fill: Fill<A>): void {
    // It is the only one, or marked.
    if (!fill.isFollowed && fill.next === undefined && !this.isMarked(fill)) this.#underWay.delete(fill.key)
    else this.mark(fill.key)
  }

  /** Anything may have changed. */
  markAll(): void {
    this.#epoch++
    this.#underWay.clear()
  }

  /** The read was given up. */
  forget(fill: Fill<A>): void {
    let later: Fill<A> | undefined
    for (let other = this.#underWay.get(fill.key); other !== undefined; later = other, other = other.next) {
      if (other !== fill) continue
      if (later !== undefined) later.next = fill.next
      else if (fill.next !== undefined) this.#underWay.set(fill.key, fill.next)
      else this.#underWay.delete(fill.key)
      return
    }
  }
}
