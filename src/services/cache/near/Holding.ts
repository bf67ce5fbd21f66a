/**
 * What a near store knows that is to hold every key of its prefix. Once all have been read, whatever is neither held nor listed here
 * does not exist. A key that changes is listed until it has been read again.
 */
export class Holding {
  /** Called when there is something to do. */
  onWork: () => void = () => {}
  /** Keys that may exist and are not held. */
  readonly #unheld = new Set<string>()
  /** Those of them that are to be read. */
  readonly #changed = new Set<string>()
  readonly #maxUnheld: number
  #generation = 0
  #isWhole = false
  #isTooMuch = false

  constructor(maxUnheld: number) {
    this.#maxUnheld = maxUnheld
  }

  /** Every key is held or listed. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** There is more than may be held, so that nothing is held but what is read. */
  get isTooMuch(): boolean {
    return this.#isTooMuch
  }

  /** Changes whenever all that is known is lost. */
  get generation(): number {
    return this.#generation
  }

  lacks(key: string): boolean {
    return this.#isWhole && !this.#unheld.has(key)
  }

  /** Whoever has read all keys says what the generation was when that began. */
  completed(generation: number): void {
    if (generation === this.#generation && !this.#isTooMuch) this.#isWhole = true
  }

  /** The key may have changed. */
  changed(key: string): void {
    if (this.#isTooMuch) return
    this.#unheld.add(key)
    if (this.#unheld.size > this.#maxUnheld) return this.tooMuch()
    this.#changed.add(key)
    this.onWork()
  }

  /** It may exist, and cannot be held: it is no value, only the server can judge it, or nobody tells of its changes for the moment. */
  foreign(key: string): void {
    if (this.#isTooMuch) return
    this.#changed.delete(key)
    this.#unheld.add(key)
    if (this.#unheld.size > this.#maxUnheld) this.tooMuch()
  }

  /** It is held, or does not exist. */
  known(key: string): void {
    this.#changed.delete(key)
    this.#unheld.delete(key)
  }

  /** The next keys to be read; they stay listed until they have been. */
  take(count: number): ReadonlyArray<string> {
    const keys: Array<string> = []
    for (const key of this.#changed) {
      if (keys.length === count) break
      keys.push(key)
      this.#changed.delete(key)
    }
    return keys
  }

  /** Anything may have changed: all is to be read again. */
  restart(): void {
    this.#forget(false)
  }

  /** Something had to make room. */
  tooMuch(): void {
    if (!this.#isTooMuch) this.#forget(true)
  }

  #forget(isTooMuch: boolean): void {
    this.#generation++
    this.#isWhole = false
    this.#isTooMuch = isTooMuch
    this.#unheld.clear()
    this.#changed.clear()
    this.onWork()
  }
}
