/** A read under way whose reply may be kept. */
import type { Kept } from "./NearEntry.ts"

/** Told once how the read that it joined has ended; undefined where it ended without a reply, and is to be made again. */
export type OnFilled<E> = (outcome: Filled<E> | undefined) => void

/** What a read gave to all who waited for it. */
export type Filled<E> =
  | { readonly _tag: "Reply"; readonly kept: Kept | undefined; readonly reply: string | Buffer | null }
  | { readonly _tag: "Failure"; readonly error: E }

export class Fill<E = unknown> {
  readonly key: string
  /** The instant before it was sent. */
  readonly beganAt: number
  /** Who decodes the reply; others do not join. */
  readonly codec: object | undefined
  /** Of the `FillMarks`. */
  readonly epoch: number
  /** The key may have changed since it began. */
  isOutdated = false
  /** The fill of the same key that began before it. */
  next: Fill<E> | undefined = undefined
  #waiting: Set<OnFilled<E>> | undefined

  constructor(key: string, beganAt: number, codec: object | undefined, epoch: number) {
    this.key = key
    this.beganAt = beganAt
    this.codec = codec
    this.epoch = epoch
  }

  /** Waits for the same reply. Returns how to stop waiting. */
  join(onFilled: OnFilled<E>): () => void {
    const waiting = (this.#waiting ??= new Set())
    waiting.add(onFilled)
    return () => waiting.delete(onFilled)
  }

  /** Tells all who have joined. */
  tell(outcome: Filled<E> | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) for (const onFilled of waiting) onFilled(outcome)
  }
}
