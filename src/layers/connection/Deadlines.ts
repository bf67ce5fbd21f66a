/**
 * One timer for all commands. Commands that share a timeout expire in the order they came, so a list and a
 * timer for its head are enough.
 *
 * Network deadlines run on the machine's own clock, never on a `TestClock`: the server does not stop with it.
 */
export interface Expiring {
  /** Whole milliseconds of `performance.now`. */
  expiresAt: number
  /** Needs no deadline any more. */
  readonly settled: boolean
  readonly expire: () => void
}

export class Deadlines<A extends Expiring> {
  readonly #timeout: number
  // A ring, oldest at #head. A linked list would do, but each settled element of it that the garbage collector has
  // moved to old space would keep the next one alive, and so all of them: a quarter of the throughput.
  #ring: Array<A | undefined> = Array.from({ length: 64 })
  #head = 0
  #size = 0
  #timer: NodeJS.Timeout | undefined

  /** Milliseconds from `add` to expiry. */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** Calls `expire` after the timeout, unless the element is settled before. */
  add(element: A): void {
    element.expiresAt = Math.ceil(performance.now()) + this.#timeout
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[this.#index(this.#size++)] = element
    this.#timer ??= this.#wakeAt(element.expiresAt)
  }

  /** Lets go of the settled elements at the head. */
  dropSettled(): void {
    while (this.#size > 0 && this.#ring[this.#head]?.settled === true) {
      this.#ring[this.#head] = undefined
      this.#head = this.#index(1)
      this.#size--
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#ring.fill(undefined)
    this.#size = 0
  }

  /** Where the element is that so many others are before. The length is a power of two. */
  #index(before: number): number {
    return (this.#head + before) & (this.#ring.length - 1)
  }

  #grow(): void {
    const ordered = this.#ring.slice(this.#head).concat(this.#ring.slice(0, this.#head))
    this.#ring = ordered.concat(Array.from({ length: ordered.length }))
    this.#head = 0
  }

  // Never keeps the process alive: whoever waits for a reply has a socket that does.
  #wakeAt(instant: number): NodeJS.Timeout {
    return setTimeout(this.#sweep, Math.max(1, instant - performance.now() + 1)).unref()
  }

  readonly #sweep = (): void => {
    const now = performance.now()
    const head = this.#ring[this.#head]
    this.#timer = undefined
    if (head === undefined) return
    if (head.expiresAt > now) this.#timer = this.#wakeAt(head.expiresAt)
    // Where the event loop was blocked, replies wait in the kernel: they are read before an immediate runs.
    else setImmediate(() => this.#expireUntil(now))
  }

  #expireUntil(now: number): void {
    const overdue: Array<A> = []
    for (let i = 0; i < this.#size; i++) {
      const element = this.#ring[this.#index(i)]
      if (element === undefined || element.expiresAt > now) break
      overdue.push(element)
    }
    for (const element of overdue) if (!element.settled) element.expire()
    this.dropSettled()
    // Whoever came since the timer fired has set one for itself, which is too late for those before it.
    clearTimeout(this.#timer)
    const head = this.#ring[this.#head]
    this.#timer = head && this.#wakeAt(head.expiresAt)
  }
}
