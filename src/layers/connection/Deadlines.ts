/**
 * One timer for all commands. Commands that share a timeout expire in the order they came, so a list and a
 * timer for its head are enough.
 *
 * Network deadlines run on the machine's own clock, never on a `TestClock`: the server does not stop with it.
 */
import { Ring } from "./Ring.ts"
import { Timer } from "./Timer.ts"

export interface Expiring {
  /** Whole milliseconds of `performance.now`. */
  readonly expiresAt: number
  readonly expiresBy: (instant: number) => void
  /** Needs no deadline any more. */
  readonly settled: boolean
  readonly expire: () => void
}

export class Deadlines<A extends Expiring> {
  readonly #timeout: number
  readonly #ring = new Ring<A>()
  #timer: Timer | undefined
  /** Of the youngest elements: those whose time has not begun. */
  #fresh = 0

  /** Milliseconds from the end of the turn of `add` to expiry. */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** Calls `expire` after the timeout, unless the element is settled before. */
  add(element: A): void {
    this.#ring.push(element)
    // Nothing of a turn is answered before it ends, so that all of its elements share one look at the clock.
    if (this.#fresh++ === 0) process.nextTick(this.#begin)
  }

  /** Lets go of the settled elements at the head. */
  dropSettled(): void {
    while (this.#ring.peek()?.settled === true) this.#ring.shift()
  }

  close(): void {
    this.#timer?.cancel()
    this.#ring.clear()
  }

  readonly #begin = (): void => {
    const { size } = this.#ring
    const first = Math.max(0, size - this.#fresh)
    this.#fresh = 0
    if (first === size) return
    const instant = Math.ceil(performance.now()) + this.#timeout
    for (let i = first; i < size; i++) this.#ring.at(i)?.expiresBy(instant)
    this.#timer ??= this.#wakeAt(instant)
  }

  // Never keeps the process alive: whoever waits for a reply has a socket that does.
  #wakeAt(instant: number): Timer {
    return new Timer(instant - performance.now() + 1, this.#sweep).unref()
  }

  readonly #sweep = (): void => {
    const now = performance.now()
    const head = this.#ring.peek()
    this.#timer = undefined
    if (head === undefined) return
    if (head.expiresAt > now) this.#timer = this.#wakeAt(head.expiresAt)
    // Where the event loop was blocked, replies wait in the kernel: they are read before an immediate runs.
    else setImmediate(() => this.#expireUntil(now))
  }

  #expireUntil(now: number): void {
    const overdue: Array<A> = []
    for (let i = 0; i < this.#ring.size; i++) {
      const element = this.#ring.at(i)
      if (element === undefined || element.expiresAt > now) break
      overdue.push(element)
    }
    for (const element of overdue) if (!element.settled) element.expire()
    this.dropSettled()
    // Whoever came since the timer fired has set one for itself, which is too late for those before it.
    this.#timer?.cancel()
    const head = this.#ring.size > this.#fresh ? this.#ring.peek() : undefined
    this.#timer = head && this.#wakeAt(head.expiresAt)
  }
}
