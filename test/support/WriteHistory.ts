/** What may be under a key that one writer writes: its last confirmed value, and whatever may have been written since. */

interface Write {
  readonly value: string | undefined
  readonly startedAt: number
  endedAt: number
  state: "under way" | "done" | "unknown" | "not done"
}

export class WriteHistory {
  #writes: Array<Write> = []
  readonly #mayBeLost: (from: number, to: number) => boolean

  constructor(mayBeLost: (from: number, to: number) => boolean) {
    this.#mayBeLost = mayBeLost
  }

  begin(value: string | undefined): Write {
    const write: Write = { value, startedAt: performance.now(), endedAt: Infinity, state: "under way" }
    this.#writes.push(write)
    return write
  }

  end(write: Write, state: "done" | "unknown" | "not done"): void {
    write.endedAt = performance.now()
    write.state = state
    // What is older than a confirmed write that nothing can take back will not be seen again.
    const last = this.#lastSafe()
    if (last > 0) this.#writes = this.#writes.slice(last)
  }

  /** `undefined`: nothing is there. */
  allows(seen: string | undefined): boolean {
    const last = this.#lastSafe()
    if (last < 0 && seen === undefined) return true
    return this.#writes.slice(Math.max(0, last)).some(({ state, value }) => state !== "not done" && value === seen)
  }

  #lastSafe(): number {
    return this.#writes.findLastIndex(
      ({ endedAt, startedAt, state }) => state === "done" && !this.#mayBeLost(startedAt, endedAt)
    )
  }
}
