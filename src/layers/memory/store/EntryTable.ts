/**
 * Keys and values by number. An entry keeps its number until it goes, so that a scan can go on from a number, whatever
 * came and went meanwhile. Numbers are used again; a page without entries holds no memory, and is passed over in one step.
 */
import type { MemoryValue } from "../values/MemoryValue.ts"

const bits = 10
const pageSize = 1 << bits

interface Page {
  /** By place; shorter than a page until it was full once. */
  readonly keys: Array<string | undefined>
  readonly values: Array<MemoryValue | undefined>
  readonly free: Array<number>
}

const held = ({ free, keys }: Page): number => keys.length - free.length

export class EntryTable {
  #pages: Array<Page | undefined> = []
  /** The numbers of the pages with room, one that holds nothing included. */
  #roomy: Array<number> = []

  /** All numbers that were ever given are below it. */
  get end(): number {
    return this.#pages.length * pageSize
  }

  key(entry: number): string {
    return this.#pages[entry >> bits]!.keys[entry & (pageSize - 1)]!
  }

  value(entry: number): MemoryValue {
    return this.#pages[entry >> bits]!.values[entry & (pageSize - 1)]!
  }

  replace(entry: number, value: MemoryValue): void {
    this.#pages[entry >> bits]!.values[entry & (pageSize - 1)] = value
  }

  /** The number of the new entry. */
  add(key: string, value: MemoryValue): number {
    if (this.#roomy.length === 0) this.#roomy.push(this.#pages.length)
    const number = this.#roomy.at(-1)!
    const page = (this.#pages[number] ??= { keys: [], values: [], free: [] })
    const index = page.free.pop() ?? page.keys.length
    page.keys[index] = key
    page.values[index] = value
    if (held(page) === pageSize) this.#roomy.pop()
    return number * pageSize + index
  }

  remove(entry: number): void {
    const number = entry >> bits
    const page = this.#pages[number]!
    const index = entry & (pageSize - 1)
    if (held(page) === pageSize) this.#roomy.push(number)
    page.keys[index] = undefined
    page.values[index] = undefined
    page.free.push(index)
    if (held(page) === 0) this.#pages[number] = undefined
  }

  clear(): void {
    this.#pages = []
    this.#roomy = []
  }

  /**
   * Tells `visit` of about `count` entries and returns the cursor of those that are left, 0 where none is; 0 begins.
   * Goes downwards, so that a scan ends however many entries are added meanwhile.
   */
  scan(cursor: number, count: number, visit: (entry: number) => void): number {
    let left = cursor === 0 ? this.end : Math.min(cursor, this.end)
    let seen = 0
    while (left > 0 && seen < count) {
      const number = (left - 1) >> bits
      const page = this.#pages[number]
      if (page === undefined) left = number * pageSize
      else if (page.keys[--left & (pageSize - 1)] !== undefined) {
        seen++
        visit(left)
      }
    }
    return left
  }
}
