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
  #timer: NodeJS.Timeout | undefined
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
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #step(now: number): void {
    this.#store.removeExpired(now, afterCommand)
    if (this.#timer === undefined) this.#rest(restMillis)
  }

  #rest(millis: number): void {
    if (this.#closed || !this.#store.expires) return
    // No immediate: one that keeps no process alive does not wake an idle event loop.
    this.#timer = setTimeout(() => this.#sweep(), millis).unref()
  }

  #sweep(): void {
    this.#timer = undefined
    const now = this.#clock?.currentTimeMillisUnsafe() ?? 0
    this.#rest(this.#store.removeExpired(now, inOneTurn) ? 0 : restMillis)
  }
}
