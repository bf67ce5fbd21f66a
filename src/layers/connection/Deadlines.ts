/**
 * One timer for all commands. Commands that share a timeout expire in the order they came, so a list and a
 * timer for its head are enough.
 *
 * Network deadlines run on the machine's own clock, never on a `TestClock`: the server does not stop with it.
 */
export interface Expiring {
  /** Milliseconds of `performance.now`. */
  expiresAt: number
  /** Links the list; an element is in one list at most. */
  expiresNext: this | undefined
  /** Needs no deadline any more. */
  readonly settled: boolean
  readonly expire: () => void
}

export class Deadlines<A extends Expiring> {
  readonly #timeout: number
  #head: A | undefined
  #tail: A | undefined
  #timer: NodeJS.Timeout | undefined

  /** Milliseconds from `add` to expiry. */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** Calls `expire` after the timeout, unless the element is settled before. */
  add(element: A): void {
    element.expiresAt = performance.now() + this.#timeout
    if (this.#tail === undefined) this.#head = element
    else this.#tail.expiresNext = element
    this.#tail = element
    this.#timer ??= this.#wakeAt(element.expiresAt)
  }

  /** Lets go of the settled elements at the head. */
  dropSettled(): void {
    let head = this.#head
    while (head?.settled === true) {
      const next: A | undefined = head.expiresNext
      head.expiresNext = undefined
      head = next
    }
    this.#head = head
    if (head === undefined) this.#tail = undefined
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#head = undefined
    this.#tail = undefined
  }

  // Never keeps the process alive: whoever waits for a reply has a socket that does.
  #wakeAt(instant: number): NodeJS.Timeout {
    return setTimeout(this.#sweep, Math.max(1, instant - performance.now() + 1)).unref()
  }

  readonly #sweep = (): void => {
    const now = performance.now()
    const head = this.#head
    this.#timer = undefined
    if (head === undefined) return
    if (head.expiresAt > now) this.#timer = this.#wakeAt(head.expiresAt)
    // Where the event loop was blocked, replies wait in the kernel: they are read before an immediate runs.
    else setImmediate(() => this.#expireUntil(now))
  }

  #expireUntil(now: number): void {
    const overdue: Array<A> = []
    for (let element = this.#head; element !== undefined && element.expiresAt <= now; element = element.expiresNext) {
      overdue.push(element)
    }
    for (const element of overdue) if (!element.settled) element.expire()
    this.dropSettled()
    if (this.#head !== undefined) this.#timer ??= this.#wakeAt(this.#head.expiresAt)
  }
}
