/** Timers for any duration: Node's own fire at once where they should wait for more than 24.8 days. */

/** The longest wait of one of Node's timers, in milliseconds. */
const longest = 2 ** 31 - 1

export class Timer {
  readonly #run: () => void
  #rest: number
  #keepsAlive = true
  #timeout: NodeJS.Timeout

  /** Runs `run` after so many milliseconds, of which `Infinity` never end. */
  constructor(millis: number, run: () => void) {
    this.#run = run
    // Node warns of negative ones.
    this.#rest = Math.max(0, millis)
    this.#timeout = this.#next()
  }

  /** It keeps no process alive any more. */
  unref(): this {
    this.#keepsAlive = false
    this.#timeout.unref()
    return this
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #next(): NodeJS.Timeout {
    const part = Math.min(this.#rest, longest)
    this.#rest -= part
    return setTimeout(() => {
      if (this.#rest <= 0) return this.#run()
      this.#timeout = this.#next()
      if (!this.#keepsAlive) this.#timeout.unref()
    }, part)
  }
}

/** Runs `run` every so many milliseconds, or more often. Keeps no process alive. */
export class Ticker {
  readonly #interval: NodeJS.Timeout

  constructor(millis: number, run: () => void) {
    this.#interval = setInterval(run, Math.max(1, Math.min(millis, longest))).unref()
  }

  stop(): void {
    clearInterval(this.#interval)
  }
}

/** A `PatientTimer` looks so often whether its time is over. */
const looks = 10

/**
 * Runs `run` after so many milliseconds in which the event loop ran. While it is blocked, or the process is frozen, nobody
 * can hear the answer that is waited for. Keeps no process alive.
 */
export class PatientTimer {
  readonly #ticker: Ticker

  constructor(millis: number, run: () => void) {
    let left = looks
    this.#ticker = new Ticker(millis / looks, () => {
      if (--left > 0) return
      this.stop()
      run()
    })
  }

  stop(): void {
    this.#ticker.stop()
  }
}

/** For timers that are not ours: no longer than one of Node's can wait. */
export const atMostLongest = (millis: number): number => Math.min(millis, longest)
