/**
 * Marks on reads under way. A reply may have left the server before a change that was announced while it travelled, so
 * that every change marks the reads of its key, and a marked reply is never kept.
 */
import type { ReplyPlace } from "../../../schema/Invalidation.ts"
import { Fill } from "./Fill.ts"

export class FillMarks<A = unknown> {
  /** The unmarked reads of each key; the latest leads to those before it. */
  readonly #underWay = new Map<string, Fill<A>>()
  /** Reads of an earlier epoch are marked, all of them. */
  #epoch = 0

  get size(): number {
    return this.#underWay.size
  }

  begin(key: string, now: number, codec: object | undefined, rest: string | undefined): Fill<A> {
    const fill = new Fill<A>(key, rest, now, codec, this.#epoch)
    fill.next = this.#underWay.get(key)
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

  /** `place`: of its reply. */
  isMarked(fill: Fill<A>, place: ReplyPlace | undefined): boolean {
    return fill.isOutdated || fill.epoch !== this.#epoch || fill.isBehind(place)
  }

  /** The key may have changed. */
  mark(key: string): void {
    let fill = this.#underWay.get(key)
    if (fill === undefined) return
    this.#underWay.delete(key)
    for (; fill !== undefined; fill = fill.next) fill.isOutdated = true
  }

  /**
   * The read has its reply. Other reads of the key that are under way count from now on only if theirs is known to be newer, because
   * it comes later over the same connection. Where that cannot be, they are marked.
   */
  end(fill: Fill<A>, place: ReplyPlace | undefined): void {
    if (this.#underWay.get(fill.key) === fill && fill.next === undefined) return void this.#underWay.delete(fill.key)
    this.forget(fill)
    for (let other = this.#underWay.get(fill.key); other !== undefined; other = other.next) {
      const { floor } = other
      if (place === undefined || (floor !== undefined && floor.connection !== place.connection))
        return this.mark(fill.key)
      if (floor === undefined || floor.number < place.number) other.floor = place
    }
  }

  /** Anything may have changed. */
  markAll(): void {
    this.#epoch++
    this.#underWay.clear()
  }

  /** The read is not under way any more. */
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
