/**
 * The server's clock, as this process knows it from replies: it never runs ahead of the server. Whatever begins after a reply was
 * here begins later by this clock than what the reply told of.
 */
export class ServerClock {
  /** How far the server was ahead of this process at least, by the replies of this minute and of the one before. Milliseconds. */
  #ahead = -Infinity
  #aheadBefore = -Infinity
  #since = 0
  #era = ""

  /** The server told its time, and the reply is here. Another server, or one that was started again, has a clock of its own. */
  observe(serverNow: number, era: string): void {
    const here = now()
    if (era !== this.#era) {
      this.#era = era
      this.#ahead = -Infinity
    }
    if (here - this.#since > minute || this.#ahead === -Infinity) {
      this.#aheadBefore = this.#ahead
      this.#ahead = -Infinity
      this.#since = here
    }
    this.#ahead = Math.max(this.#ahead, serverNow - here)
  }

  /** The server's time at this timestamp of Next.js, or an earlier one. */
  fromNext(timestamp: number): number {
    return timestamp + this.#offset
  }

  /** The time of Next.js at this instant of the server, or a later one. */
  toNext(instant: number): number {
    return instant - this.#offset
  }

  get #offset(): number {
    return Math.max(this.#ahead, this.#aheadBefore)
  }
}

const minute = 60_000

/** The monotonic clock, which gives the timestamps of Next.js. An operator may set the other one. */
const now = (): number => performance.timeOrigin + performance.now()
