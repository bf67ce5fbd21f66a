/**
 * A map by text that grows and shrinks in small steps. V8 copies a whole `Map` when it outgrows its table or has
 * become too small for it, which takes a tenth of a second with a million entries; this one is many small maps,
 * of which one at a time is split (extendible hashing). Below `mostInPart` entries it is one map and hashes nothing.
 */
import { textHash } from "./textHash.ts"

const mostInPart = 4096
const maxDepth = 16

interface Part<V> {
  /** How many of the hash's last bits all its keys have in common. */
  readonly depth: number
  readonly map: Map<string, V>
}

const emptyPart = <V>(depth: number): Part<V> => ({ depth, map: new Map() })

export class SplitMap<V> {
  /** By the hash's last bits; a part of fewer bits stands in several places. */
  #parts: Array<Part<V>> = [emptyPart(0)]
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    return this.#partOf(key).map.get(key)
  }

  /** Whether the key is new. */
  set(key: string, value: V): boolean {
    const part = this.#partOf(key)
    const before = part.map.size
    part.map.set(key, value)
    if (part.map.size === before) return false
    this.#size++
    // Not one more, for which the table would be made anew before it is split.
    if (part.map.size >= mostInPart && part.depth < maxDepth) this.#split(part, textHash(key))
    return true
  }

  delete(key: string): boolean {
    if (!this.#partOf(key).map.delete(key)) return false
    if (--this.#size === 0) this.clear()
    return true
  }

  clear(): void {
    this.#parts = [emptyPart(0)]
    this.#size = 0
  }

  #partOf(key: string): Part<V> {
    const parts = this.#parts
    return parts.length === 1 ? parts[0]! : parts[textHash(key) & (parts.length - 1)]!
  }

  #split({ depth, map }: Part<V>, hash: number): void {
    const bit = 1 << depth
    if (this.#parts.length === bit) this.#parts = [...this.#parts, ...this.#parts]
    const without = emptyPart<V>(depth + 1)
    const withBit = emptyPart<V>(depth + 1)
    for (const [key, value] of map) (textHash(key) & bit ? withBit : without).map.set(key, value)
    for (let i = hash & (bit - 1); i < this.#parts.length; i += bit) this.#parts[i] = i & bit ? withBit : without
  }
}
