/**
 * Numbers by text, where whoever gives the numbers holds the texts. A `Map` looks at the text of each key that it passes on its way,
 * and most of what a look-up costs among a hundred thousand keys is to wait for memory: here the hashes stand side by side in tables
 * of their own, and hardly another text is looked at than the one that is wanted.
 *
 * As long as there are few, a `Map` is faster. Tables are split one at a time (extendible hashing), so that none is ever copied as a whole.
 */
import { textHash } from "../../../schema/textHash.ts"

const mostInMap = 4096

/** Of one table, which has twice as many places. */
const mostInTable = 4096
const places = 2 * mostInTable
const maxDepth = 16

/**
 * The part of the tables' places that is in use at least where one is split. Whoever knows how to make hashes collide must not
 * have tables made that stay empty.
 */
const leastUse = 1 / 16

/** Places that a look-up passes at most. Whoever knows how to make hashes collide must not make each of them long. */
const maxProbes = 32

/** In place of a number where there is none. */
const none = -1

interface Table {
  /** How many of the hash's last bits all its texts have in common. */
  readonly depth: number
  /** A hash and its number at each place, by turns. */
  readonly slots: Int32Array
  size: number
}

const emptyTable = (depth: number): Table => ({ depth, slots: new Int32Array(2 * places).fill(none), size: 0 })

export class NumberIndex {
  readonly #textOf: (number: number) => string | undefined
  /** While there are few; later those for which there was no place. */
  readonly #map = new Map<string, number>()
  /** By the hash's last bits; a table of fewer bits stands in several places. */
  #tables: Array<Table> | undefined
  /** Each counted once. */
  #tableCount = 0
  #size = 0

  /** `textOf`: the text of a number that is in the index. */
  constructor(textOf: (number: number) => string | undefined) {
    this.#textOf = textOf
  }

  get size(): number {
    return this.#size
  }

  /** What its tables take. */
  get bytes(): number {
    return this.#tableCount * places * 2 * Int32Array.BYTES_PER_ELEMENT
  }

  get(text: string): number | undefined {
    const tables = this.#tables
    if (tables === undefined) return this.#map.get(text)
    const hash = hashOf(text)
    const { slots } = tables[hash & (tables.length - 1)]!
    const place = this.#placeOf(slots, hash, text)
    if (place !== none) return slots[place + 1]!
    return this.#map.size === 0 ? undefined : this.#map.get(text)
  }

  /** Adds a text that is not there. Its `textOf` is known already. */
  add(text: string, number: number): void {
    this.#size++
    if (this.#tables !== undefined) return this.#put(hashOf(text), text, number)
    this.#map.set(text, number)
    if (this.#map.size < mostInMap) return
    this.#tables = [emptyTable(0)]
    this.#tableCount = 1
    const few = [...this.#map]
    this.#map.clear()
    for (const [text, number] of few) this.#put(hashOf(text), text, number)
  }

  /** Whether it was there. */
  delete(text: string): boolean {
    if (!this.#remove(text)) return false
    if (--this.#size === 0) this.clear()
    return true
  }

  clear(): void {
    this.#map.clear()
    this.#tables = undefined
    this.#tableCount = 0
    this.#size = 0
  }

  /** Where its hash stands, or `none`. */
  #placeOf(slots: Int32Array, hash: number, text: string): number {
    let place = homeOf(hash)
    for (let probes = 0; probes < maxProbes; probes++) {
      const number = slots[place + 1]!
      if (number === none) return none
      if (slots[place] === hash && this.#textOf(number) === text) return place
      place = nextTo(place)
    }
    return none
  }

  #put(hash: number, text: string, number: number): void {
    const tables = this.#tables!
    const table = tables[hash & (tables.length - 1)]!
    const isFull = table.size >= mostInTable
    if (isFull && table.depth < maxDepth && this.#size >= this.#tableCount * places * leastUse) {
      this.#split(table, hash)
      return this.#put(hash, text, number)
    }
    if (isFull || !putInto(table, hash, number)) this.#map.set(text, number)
  }

  #split({ depth, slots }: Table, hash: number): void {
    const bit = 1 << depth
    let tables = this.#tables!
    if (tables.length === bit) tables = this.#tables = [...tables, ...tables]
    this.#tableCount++
    const without = emptyTable(depth + 1)
    const withBit = emptyTable(depth + 1)
    for (let place = 0; place < slots.length; place += 2) {
      const number = slots[place + 1]!
      if (number === none) continue
      const hash = slots[place]!
      if (!putInto(hash & bit ? withBit : without, hash, number)) this.#map.set(this.#textOf(number)!, number)
    }
    for (let i = hash & (bit - 1); i < tables.length; i += bit) tables[i] = i & bit ? withBit : without
  }

  #remove(text: string): boolean {
    const tables = this.#tables
    if (tables !== undefined) {
      const hash = hashOf(text)
      const table = tables[hash & (tables.length - 1)]!
      const place = this.#placeOf(table.slots, hash, text)
      if (place !== none) {
        table.size--
        free(table.slots, place)
        return true
      }
    }
    return this.#map.delete(text)
  }
}

/** The place where a look-up begins. Its last bits have chosen the table. */
const homeOf = (hash: number): number => (hash >>> 18) & (2 * places - 2)

const nextTo = (place: number): number => (place + 2) & (2 * places - 1)

/** False where all places are taken at which a look-up would find it. */
const putInto = (table: Table, hash: number, number: number): boolean => {
  const { slots } = table
  let place = homeOf(hash)
  for (let probes = 0; probes < maxProbes; probes++) {
    if (slots[place + 1] === none) {
      slots[place] = hash
      slots[place + 1] = number
      table.size++
      return true
    }
    place = nextTo(place)
  }
  return false
}

/** Whatever a look-up would not find any more behind the free place moves there. */
const free = (slots: Int32Array, place: number): void => {
  let gap = place
  for (let next = nextTo(gap); slots[next + 1] !== none; next = nextTo(next)) {
    const home = homeOf(slots[next]!)
    const isBehindGap = gap <= next ? home <= gap || home > next : home <= gap && home > next
    if (!isBehindGap) continue
    slots[gap] = slots[next]!
    slots[gap + 1] = slots[next + 1]!
    gap = next
  }
  slots[gap + 1] = none
}

/** All its bits count: the last ones choose the table, and the first ones the place. */
export const hashOf = (text: string): number => {
  const hash = Math.imul(textHash(text), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
