/** Entries that expire, the next one first: a heap in which every entry's place is known. */
import { PagedNumbers } from "./PagedNumbers.ts"

/** Children of a node. Four are beside each other in memory, and the heap is half as deep as with two. */
const fanOut = 4

export class ExpiryQueue {
  /** By place in the heap, from 0. */
  readonly #entries = new PagedNumbers()
  readonly #times = new PagedNumbers()
  /** By entry, from 1; 0 for an entry that never expires. */
  readonly #places = new PagedNumbers()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The next entry to expire, where that has happened. */
  due(now: number): number | undefined {
    return this.#size > 0 && this.#times.at(0) <= now ? this.#entries.at(0) : undefined
  }

  /** Puts an entry where its time belongs: into the queue, to another place in it, or out of it. */
  update(entry: number, time: number): void {
    const place = this.#places.find(entry) - 1
    if (time === Infinity) this.remove(entry)
    else if (place < 0) this.#rise(entry, time, this.#size++)
    else if (time < this.#times.at(place)) this.#rise(entry, time, place)
    else this.#sink(entry, time, place)
  }

  remove(entry: number): void {
    const place = this.#places.find(entry) - 1
    if (place < 0) return
    this.#places.put(entry, 0)
    const last = this.#entries.at(--this.#size)
    if (last === entry) return
    const time = this.#times.at(this.#size)
    if (place > 0 && time < this.#times.at(parentOf(place))) this.#rise(last, time, place)
    else this.#sink(last, time, place)
  }

  clear(): void {
    this.#entries.clear()
    this.#times.clear()
    this.#places.clear()
    this.#size = 0
  }

  #rise(entry: number, time: number, from: number): void {
    let place = from
    while (place > 0) {
      const parent = parentOf(place)
      if (this.#times.at(parent) <= time) break
      this.#put(this.#entries.at(parent), this.#times.at(parent), place)
      place = parent
    }
    this.#put(entry, time, place)
  }

  #sink(entry: number, time: number, from: number): void {
    const times = this.#times
    let place = from
    for (;;) {
      const first = place * fanOut + 1
      const end = Math.min(first + fanOut, this.#size)
      let least = first
      for (let child = first + 1; child < end; child++) if (times.at(child) < times.at(least)) least = child
      if (least >= this.#size || times.at(least) >= time) break
      this.#put(this.#entries.at(least), times.at(least), place)
      place = least
    }
    this.#put(entry, time, place)
  }

  #put(entry: number, time: number, place: number): void {
    this.#entries.put(place, entry)
    this.#times.put(place, time)
    this.#places.put(entry, place + 1)
  }
}

const parentOf = (place: number): number => Math.floor((place - 1) / fanOut)
