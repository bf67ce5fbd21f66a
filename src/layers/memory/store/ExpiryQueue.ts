/** Entries that expire, the next one first: a heap in which every entry knows its place. */
import type { StoredEntry } from "./Entry.ts"

/** Children of a node. Four are beside each other in memory, and the heap is half as deep as with two. */
const fanOut = 4

export class ExpiryQueue {
  #entries: Array<StoredEntry> = []
  /** Their `expiresAt`, in an array of its own: comparing then reads no entry. */
  #times: Array<number> = []

  get size(): number {
    return this.#entries.length
  }

  /** The next entry to expire, where that has happened. */
  due(now: number): StoredEntry | undefined {
    return this.#times.length > 0 && this.#times[0]! <= now ? this.#entries[0] : undefined
  }

  /** How many have expired. A walk over numbers, which takes a millisecond for a million of them. */
  countDue(now: number): number {
    if (this.due(now) === undefined) return 0
    let count = 0
    for (const time of this.#times) if (time <= now) count++
    return count
  }

  /** Puts an entry where its `expiresAt` belongs: into the queue, to another place in it, or out of it. */
  update(entry: StoredEntry): void {
    const { expiresAt, place } = entry
    if (expiresAt === Infinity) this.remove(entry)
    else if (place < 0) this.#rise(entry, expiresAt, this.#entries.length)
    else if (expiresAt < this.#times[place]!) this.#rise(entry, expiresAt, place)
    else this.#sink(entry, expiresAt, place)
  }

  remove(entry: StoredEntry): void {
    const { place } = entry
    if (place < 0) return
    entry.place = -1
    const last = this.#entries.pop()!
    const time = this.#times.pop()!
    if (last === entry) return
    if (place > 0 && time < this.#times[parentOf(place)]!) this.#rise(last, time, place)
    else this.#sink(last, time, place)
  }

  clear(): void {
    this.#entries = []
    this.#times = []
  }

  #rise(entry: StoredEntry, time: number, place: number): void {
    while (place > 0) {
      const parent = parentOf(place)
      if (this.#times[parent]! <= time) break
      this.#put(this.#entries[parent]!, this.#times[parent]!, place)
      place = parent
    }
    this.#put(entry, time, place)
  }

  #sink(entry: StoredEntry, time: number, place: number): void {
    const times = this.#times
    for (;;) {
      const first = place * fanOut + 1
      const end = Math.min(first + fanOut, times.length)
      let least = first
      for (let child = first + 1; child < end; child++) if (times[child]! < times[least]!) least = child
      if (least >= times.length || times[least]! >= time) break
      this.#put(this.#entries[least]!, times[least]!, place)
      place = least
    }
    this.#put(entry, time, place)
  }

  #put(entry: StoredEntry, time: number, place: number): void {
    this.#entries[place] = entry
    this.#times[place] = time
    entry.place = place
  }
}

const parentOf = (place: number): number => Math.floor((place - 1) / fanOut)
