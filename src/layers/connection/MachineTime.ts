/**
 * Milliseconds that pass at least as fast as the machine's monotonic clock and as its wall clock. The first stands still
 * while the machine is suspended, the second can be set.
 */
import { Clock } from "effect"

/** Clocks that differ by less than so many milliseconds are only read at different moments. */
const tolerance = 5

export class MachineTime {
  readonly #monotonic: () => number
  readonly #wall: () => number
  #lastWall: number
  #lastNow: number
  /** How far the wall clock was ahead. */
  #skew: number
  /** What the wall clock has been ahead of the monotonic one in steps. */
  #extra = 0

  /** In milliseconds; those of the wall clock are whole. */
  constructor(monotonic: () => number, wall: () => number) {
    this.#monotonic = monotonic
    this.#wall = wall
    this.#lastWall = wall()
    this.#lastNow = monotonic()
    this.#skew = this.#lastWall - this.#lastNow
  }

  static readonly ofThisMachine = (): MachineTime => {
    const clock = Clock.Clock.defaultValue()
    return new MachineTime(
      () => performance.now(),
      () => clock.currentTimeMillisUnsafe()
    )
  }

  /** Now, or up to a millisecond ago: within one millisecond of the wall clock the other one is read once. */
  now(): number {
    const wall = this.#wall()
    if (wall === this.#lastWall) return this.#lastNow
    const monotonic = this.#monotonic()
    const step = wall - monotonic - this.#skew
    if (step > tolerance || step < -tolerance) {
      this.#skew += step
      if (step > 0) this.#extra += step
    }
    this.#lastWall = wall
    return (this.#lastNow = monotonic + this.#extra)
  }

  /** An instant that is over by `now`, whenever that is asked. */
  past(): number {
    return this.now() - 1
  }
}
