/** Chance that a seed decides, so that what it made can be made again. */

export class Dice {
  #state: number

  constructor(seed: string) {
    let hash = 2_166_136_261
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 16_777_619)
    this.#state = hash >>> 0
  }

  /** In [0, 1). Mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<A>(from: ReadonlyArray<A>): A {
    return from[this.below(from.length)]!
  }

  chance(part: number): boolean {
    return this.next() < part
  }
}

/** So many of them, in another order. */
export const some = <A>(all: ReadonlyArray<A>, count: number, dice: Dice): ReadonlyArray<A> =>
  all
    .map((one) => [dice.next(), one] as const)
    .toSorted(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, one]) => one)
