/** Entries in the order of their last use. */
import { PagedNumbers } from "./PagedNumbers.ts"

const none = -1

export class RecencyList {
  readonly #older = new PagedNumbers()
  readonly #newer = new PagedNumbers()
  #oldest = none
  #newest = none

  get oldest(): number | undefined {
    return this.#oldest === none ? undefined : this.#oldest
  }

  add(entry: number): void {
    this.#older.put(entry, this.#newest)
    this.#newer.put(entry, none)
    if (this.#newest === none) this.#oldest = entry
    else this.#newer.put(this.#newest, entry)
    this.#newest = entry
  }

  /** It was used just now. */
  touch(entry: number): void {
    if (entry === this.#newest) return
    this.remove(entry)
    this.add(entry)
  }

  remove(entry: number): void {
    const older = this.#older.at(entry)
    const newer = this.#newer.at(entry)
    if (older === none) this.#oldest = newer
    else this.#newer.put(older, newer)
    if (newer === none) this.#newest = older
    else this.#older.put(newer, older)
  }

  clear(): void {
    this.#older.clear()
    this.#newer.clear()
    this.#oldest = none
    this.#newest = none
  }
}
