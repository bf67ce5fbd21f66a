/** Values that say which key they belong to and who wrote them, so that a reply given to the wrong caller is seen. */

export class NamedValues {
  /** What each number was written to, and by whom. */
  readonly #written = new Map<number, string>()
  readonly #remembered: number
  #numbers = 0
  readonly #onWrong: (what: string) => void
  /** Values that were of the key asked for. */
  checked = 0
  missing = 0

  /** `remembered`: how many of the last values; older ones are wrong wherever they are seen. Default: all. */
  constructor(onWrong: (what: string) => void, remembered = Infinity) {
    this.#onWrong = onWrong
    this.#remembered = remembered
  }

  /** A new value for the place: a key, or a key and its field. */
  next(place: string, writer: string): string {
    const name = `${place}|${writer}`
    const number = this.#numbers++
    this.#written.set(number, name)
    this.#written.delete(number - this.#remembered)
    return `${name}|${number}`
  }

  /** Whether the value was written to that place. Nothing at all is a miss. */
  check(place: string, seen: unknown, by: string): void {
    if (seen === null || seen === undefined) {
      this.missing++
      return
    }
    // Read past the cache, a value stands in its stored form.
    const [, name, number] = /([^"]+)\|(\d+)/.exec(String(seen).slice(0, 300)) ?? []
    const isRight = name !== undefined && name.startsWith(`${place}|`) && this.#written.get(Number(number)) === name
    if (isRight) this.checked++
    else this.#onWrong(`${by} of ${place} was given ${shown(seen)}`)
  }

  /** A reply that can be nothing else. */
  expect(expected: unknown, seen: unknown, by: string): void {
    if (seen === expected) this.checked++
    else this.#onWrong(`${by} was given ${shown(seen)} in place of ${shown(expected)}`)
  }

  /** One reply for each place. */
  checkEach(places: ReadonlyArray<string>, seen: ReadonlyArray<unknown>, by: string): void {
    if (seen.length !== places.length) this.#onWrong(`${by} gave ${seen.length} values for ${places.length} keys`)
    for (const [i, place] of places.entries()) this.check(place, seen[i], by)
  }
}

const shown = (seen: unknown): string => (JSON.stringify(seen) ?? "nothing").slice(0, 300)
