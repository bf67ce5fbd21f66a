/** What one scope of `CacheMemo` remembers, whoever keeps it. */
import { Context } from "effect"

/** Keys and bytes that one scope remembers; what comes then is read each time. */
const mostKeys = 10_000
const mostBytes = 64 * 1024 * 1024

/** The reads of one scope, by whoever remembers them. */
export class Memo {
  static #live = 0
  readonly #onEnd = new Set<() => void>()
  #isOver = false
  #keys = 0
  #bytes = 0

  constructor() {
    Memo.#live++
  }

  /** Whether any scope in this process is open. */
  static get isUsed(): boolean {
    return Memo.#live > 0
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether there is room for so many bytes more, which are counted. */
  takes(bytes: number): boolean {
    if (this.#isOver || this.#keys >= mostKeys || this.#bytes + bytes > mostBytes) return false
    this.#keys++
    this.#bytes += bytes
    return true
  }

  onEnd(forget: () => void): void {
    this.#onEnd.add(forget)
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    Memo.#live--
    for (const forget of this.#onEnd) forget()
  }
}

/** The scope that an effect runs in. */
export const CurrentMemo = Context.Reference<Memo | undefined>("effect-vcache/CurrentMemo", {
  defaultValue: () => undefined
})
