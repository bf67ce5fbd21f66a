/** Near entries in the order of their last use. */
import type { NearEntry } from "./NearEntry.ts"

export class RecencyList {
  #oldest: NearEntry | undefined
  #newest: NearEntry | undefined

  get oldest(): NearEntry | undefined {
    return this.#oldest
  }

  add(entry: NearEntry): void {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  /** It was used just now. */
  touch(entry: NearEntry): void {
    if (entry === this.#newest) return
    this.remove(entry)
    this.add(entry)
  }

  remove(entry: NearEntry): void {
    if (entry.older === undefined) this.#oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) this.#newest = entry.older
    else entry.newer.older = entry.older
    entry.older = undefined
    entry.newer = undefined
  }

  clear(): void {
    this.#oldest = undefined
    this.#newest = undefined
  }

  *[Symbol.iterator](): Generator<NearEntry> {
    let entry = this.#oldest
    while (entry !== undefined) {
      const { newer } = entry
      yield entry
      entry = newer
    }
  }
}
