/**
 * A place for every entry that it keeps until it goes, so that a scan can go on from a number, whatever came and
 * went meanwhile. Places are used again; a page without entries holds no memory, and is passed over in one step.
 */
import type { StoredEntry } from "./Entry.ts"

const pageSize = 1024

interface Page {
  /** By place; shorter than a page until it was full once. */
  readonly entries: Array<StoredEntry | undefined>
  readonly free: Array<number>
}

const held = ({ entries, free }: Page): number => entries.length - free.length

export class ScanOrder {
  #pages: Array<Page | undefined> = []
  /** The numbers of the pages with room, one that holds nothing included. */
  #roomy: Array<number> = []

  add(entry: StoredEntry): void {
    if (this.#roomy.length === 0) this.#roomy.push(this.#pages.length)
    const number = this.#roomy.at(-1)!
    const page = (this.#pages[number] ??= { entries: [], free: [] })
    const index = page.free.pop() ?? page.entries.length
    page.entries[index] = entry
    entry.scanPlace = number * pageSize + index
    if (held(page) === pageSize) this.#roomy.pop()
  }

  remove(entry: StoredEntry): void {
    const number = Math.floor(entry.scanPlace / pageSize)
    const page = this.#pages[number]!
    const index = entry.scanPlace % pageSize
    if (held(page) === pageSize) this.#roomy.push(number)
    page.entries[index] = undefined
    page.free.push(index)
    entry.scanPlace = -1
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
  scan(cursor: number, count: number, visit: (entry: StoredEntry) => void): number {
    const end = this.#pages.length * pageSize
    let left = cursor === 0 ? end : Math.min(cursor, end)
    let seen = 0
    while (left > 0 && seen < count) {
      const number = Math.floor((left - 1) / pageSize)
      const page = this.#pages[number]
      const entry = page?.entries[--left % pageSize]
      if (page === undefined) left = number * pageSize
      if (entry === undefined) continue
      seen++
      visit(entry)
    }
    return left
  }

  *[Symbol.iterator](): Generator<StoredEntry> {
    for (const page of this.#pages) {
      for (const entry of page?.entries ?? []) if (entry !== undefined) yield entry
    }
  }
}
