/** Entries in the order of their last use. */
import type { StoredEntry } from "./Entry.ts"

export class RecencyList {
  #oldest: StoredEntry | undefined
  #newest: StoredEntry | undefined

  get oldest(): StoredEntry | undefined {
    return this.#oldest
  }

  add(entry: StoredEntry): void {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  /** It was used just now. */
  touch(entry: StoredEntry): void {
    if (entry === this.#newest) return
    this.remove(entry)
    this.add(entry)
  }

  remove(entry: StoredEntry): void {
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
}
