/**
 * Removes what has expired, a few entries at a time: some after each command, the others while no command comes, by
 * timers that keep no process alive. Nobody can read an expired entry: only memory depends on this.
 */
import type { Clock } from "effect"
import type { CommandContext } from "./kernel/CommandContext.ts"
import type { MemoryStore } from "./store/MemoryStore.ts"

const afterCommand = 16
const inOneTurn = 500
const restMillis = 1000

export class ExpirySweep {
  readonly #store: MemoryStore
  #clock: Clock.Clock | undefined
  #timer: { readonly stop: () => void } | undefined
  #closed = false

  constructor(store: MemoryStore) {
    this.#store = store
  }

  /** Until the next command comes, entries expire by this one's clock. */
  afterCommand({ clock, now }: CommandContext): void {
    this.#clock = clock
    if (this.#timer === undefined || this.#store.hasExpired(now)) this.#step(now)
  }

  close(): void {
    this.#closed = true
    this.#timer?.stop()
    this.#timer = undefined
  }

  #step(now: number): void {
    this.#store.removeExpired(now, afterCommand)
    if (this.#timer === undefined) this.#rest()
  }

  #rest(): void {
    if (this.#closed || !this.#store.expires) return
    const timer = setTimeout(() => this.#sweep(), restMillis).unref()
    this.#timer = { stop: () => clearTimeout(timer) }
  }

  #sweep(): void {
    this.#timer = undefined
    const now = this.#clock?.currentTimeMillisUnsafe() ?? 0
    if (this.#store.removeExpired(now, inOneTurn)) {
      const immediate = setImmediate(() => this.#sweep()).unref()
      this.#timer = { stop: () => clearImmediate(immediate) }
    } else this.#rest()
  }
}
