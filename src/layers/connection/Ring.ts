/**
 * A queue. A linked list would do, but each element of it that the garbage collector has moved to old space would keep
 * the next one alive, and so all of them: a quarter of the throughput.
 */
export class Ring<A> {
  // The length is a power of two.
  #cells: Array<A | undefined> = Array.from({ length: 64 })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(element: A): void {
    if (this.#size === this.#cells.length) this.#grow()
    this.#cells[(this.#head + this.#size++) & (this.#cells.length - 1)] = element
  }

  /** The oldest. */
  peek(): A | undefined {
    return this.#cells[this.#head]
  }

  /** The one that `before` others came before. */
  at(before: number): A | undefined {
    return this.#cells[(this.#head + before) & (this.#cells.length - 1)]
  }

  /** Takes the oldest out. */
  shift(): A | undefined {
    const oldest = this.#cells[this.#head]
    if (this.#size === 0) return undefined
    this.#cells[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#cells.length - 1)
    this.#size--
    return oldest
  }

  clear(): void {
    this.#cells.fill(undefined)
    this.#size = 0
  }

  #grow(): void {
    const ordered = this.#cells.slice(this.#head).concat(this.#cells.slice(0, this.#head))
    this.#cells = ordered.concat(Array.from({ length: ordered.length }))
    this.#head = 0
  }
}
