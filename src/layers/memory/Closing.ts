/** The end of the store's layer, which ends all that waits there. */

export class Closing {
  readonly #waiting = new Set<() => void>()
  isClosed = false

  /** Calls `tell` at the end, at once where that has come, unless the returned function is called before. */
  onClose(tell: () => void): () => void {
    if (this.isClosed) tell()
    else this.#waiting.add(tell)
    return () => this.#waiting.delete(tell)
  }

  close(): void {
    this.isClosed = true
    for (const tell of this.#waiting) tell()
    this.#waiting.clear()
  }
}
