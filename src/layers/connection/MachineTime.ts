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
  /** How far the wall clock was ahead. */
  #skew: number
  /** What the wall clock has been ahead of the monotonic one in steps. */
  #extra = 0

  constructor(monotonic: () => number, wall: () => number) {
    this.#monotonic = monotonic
    this.#wall = wall
    this.#skew = wall() - monotonic()
  }

  static readonly ofThisMachine = (): MachineTime => {
    const clock = Clock.Clock.defaultValue()
    return new MachineTime(
      () => performance.now(),
      () => clock.currentTimeMillisUnsafe()
    )
  }

  now(): number {
    const monotonic = this.#monotonic()
    const step = this.#wall() - monotonic - this.#skew
    if (step > tolerance || step < -tolerance) {
      this.#skew += step
      if (step > 0) this.#extra += step
    }
    return monotonic + this.#extra
  }
}
