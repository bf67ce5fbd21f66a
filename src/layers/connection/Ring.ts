/**
 * A queue. A linked list would do, but each element of it that the garbage collector has moved to old space would keep
 * the next one alive, and so all of them: a quarter of the throughput.
 */
export class Ring<A> {
  // The length is a power of two.
  #slots: Array<A | undefined> = Array.from({ length: 64 })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(element: A): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#size++) & (this.#slots.length - 1)] = element
  }

  /** The oldest. */
  peek(): A | undefined {
    return this.#slots[this.#head]
  }

  /** The one that `before` others came before. */
  at(before: number): A | undefined {
    return this.#slots[(this.#head + before) & (this.#slots.length - 1)]
  }

  /** Takes the oldest out. */
  shift(): A | undefined {
    const oldest = this.#slots[this.#head]
    if (this.#size === 0) return undefined
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#size--
    return oldest
  }

  clear(): void {
    this.#slots.fill(undefined)
    this.#size = 0
  }

  #grow(): void {
    const ordered = this.#slots.slice(this.#head).concat(this.#slots.slice(0, this.#head))
    this.#slots = ordered.concat(Array.from({ length: ordered.length }))
    this.#head = 0
  }
}
