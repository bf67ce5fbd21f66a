/**
 * The pages of one SCAN, HSCAN, SSCAN or ZSCAN. A cursor means something to the process that gave it, and another one answers it
 * with pages that leave elements out: so all pages are had over the connection of the first, or from the same store in memory.
 */
export class Iteration {
  #carrier: object | undefined

  /** For `SendOptions.sendIf` of the page at this cursor. */
  at(cursor: string): (carrier: object) => boolean {
    return cursor === "0" ? this.#begins : this.#goesOn
  }

  readonly #begins = (carrier: object): boolean => {
    this.#carrier = carrier
    return true
  }

  readonly #goesOn = (carrier: object): boolean => carrier === this.#carrier
}
