/** A read under way whose reply may be kept. */
import type { ReplyPlace } from "../../../schema/Invalidation.ts"

/** Told once how the read that it joined has ended; undefined where nobody knows, and it is to be made again. */
export type OnFilled<A> = (outcome: A | undefined) => void

/** `A` is what those who have joined are told. */
export class Fill<A = unknown> {
  readonly key: string
  /** What follows the head, where whoever reads has told. */
  readonly rest: string | undefined
  /** The instant before it was sent. */
  readonly beganAt: number
  /** Who decodes the reply; others do not join. */
  readonly codec: object | undefined
  /** Of the `FillMarks`. */
  readonly epoch: number
  /** The key may have changed since it began. */
  isOutdated = false
  /** Of the last reply that has come meanwhile to another fill of the same key. */
  floor: ReplyPlace | undefined = undefined
  /** The fill of the same key that began before it. */
  next: Fill<A> | undefined = undefined
  #waiting: Set<OnFilled<A>> | undefined

  constructor(key: string, rest: string | undefined, beganAt: number, codec: object | undefined, epoch: number) {
    this.key = key
    this.rest = rest
    this.beganAt = beganAt
    this.codec = codec
    this.epoch = epoch
  }

  /** What another fill has read meanwhile may be newer than the reply that came there. */
  isBehind(place: ReplyPlace | undefined): boolean {
    const { floor } = this
    return floor !== undefined && (place?.connection !== floor.connection || place.number < floor.number)
  }

  /** Somebody waits for the same reply. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined
  }

  /** Waits for the same reply. Returns how to stop waiting. */
  join(onFilled: OnFilled<A>): () => void {
    const waiting = (this.#waiting ??= new Set())
    waiting.add(onFilled)
    return () => waiting.delete(onFilled)
  }

  /** Tells all who have joined. */
  tell(outcome: A | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) for (const onFilled of waiting) onFilled(outcome)
  }
}
