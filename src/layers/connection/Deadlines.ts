/**
 * One timer for all commands. Commands that share a timeout expire in the order they came, so a queue and a
 * timer for its head are enough.
 *
 * Network deadlines run on the machine's own clock, never on a `TestClock`: the server does not stop with it.
 */
export interface Deadline {
  readonly at: number
  readonly expire: () => void
  done: boolean
  next: Deadline | undefined
}

export class Deadlines {
  readonly #timeout: number
  #head: Deadline | undefined
  #tail: Deadline | undefined
  #timer: NodeJS.Timeout | undefined

  /** Milliseconds from `add` to expiry. */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** Calls `expire` after the timeout, unless `remove` is called before. */
  add(expire: () => void): Deadline {
    const deadline: Deadline = { at: performance.now() + this.#timeout, expire, done: false, next: undefined }
    if (this.#tail === undefined) this.#head = deadline
    else this.#tail.next = deadline
    this.#tail = deadline
    this.#timer ??= this.#wakeAt(deadline)
    return deadline
  }

  remove(deadline: Deadline): void {
    deadline.done = true
    this.#dropDone()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#head = undefined
    this.#tail = undefined
  }

  #dropDone(): void {
    while (this.#head?.done === true) this.#head = this.#head.next
    if (this.#head === undefined) this.#tail = undefined
  }

  // Never keeps the process alive: whoever waits for a reply has a socket that does.
  #wakeAt(deadline: Deadline): NodeJS.Timeout {
    return setTimeout(this.#sweep, Math.max(1, deadline.at - performance.now() + 1)).unref()
  }

  #sweep = (): void => {
    const now = performance.now()
    const head = this.#head
    this.#timer = undefined
    if (head === undefined) return
    if (head.at > now) this.#timer = this.#wakeAt(head)
    // Where the event loop was blocked, replies wait in the kernel: they are read before an immediate runs.
    else setImmediate(() => this.#expireUntil(now))
  }

  #expireUntil(now: number): void {
    for (let deadline = this.#head; deadline !== undefined && deadline.at <= now; deadline = deadline.next) {
      if (deadline.done) continue
      deadline.done = true
      deadline.expire()
    }
    this.#dropDone()
    if (this.#head !== undefined) this.#timer ??= this.#wakeAt(this.#head)
  }
}
