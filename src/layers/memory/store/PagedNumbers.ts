/**
 * Numbers by place, in pages: it grows without being copied, as an array of a million numbers is for some milliseconds,
 * and the garbage collector does not look into it.
 */
const bits = 10
const pageSize = 1 << bits

export class PagedNumbers {
  #pages: Array<Float64Array | undefined> = []

  /** What was put there. */
  at(place: number): number {
    return this.#pages[place >> bits]![place & (pageSize - 1)]!
  }

  /** Zero where nothing was put. */
  find(place: number): number {
    return this.#pages[place >> bits]?.[place & (pageSize - 1)] ?? 0
  }

  put(place: number, number: number): void {
    const page = (this.#pages[place >> bits] ??= new Float64Array(pageSize))
    page[place & (pageSize - 1)] = number
  }

  clear(): void {
    this.#pages = []
  }
}
