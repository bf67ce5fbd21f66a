/** Keys, values and lifetimes in this process; bounded, least recently used first out. */
import { ServerReply } from "./ServerReply.ts"
import { byteLength, type MemoryValue } from "./values/MemoryValue.ts"

export interface Entry {
  readonly key: string
  /** Grows with every new key, so that a scan can tell what it has seen. */
  readonly id: number
  value: MemoryValue
  /** Milliseconds since 1970; `Infinity` = never. */
  expiresAt: number
  bytes: number
  older: Entry | undefined
  newer: Entry | undefined
}

export interface MemoryLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly eviction: "lru" | "none"
}

export class MemoryStore {
  readonly #limits: MemoryLimits
  readonly #entries = new Map<string, Entry>()
  #nextId = 1
  #bytes = 0
  #oldest: Entry | undefined
  #newest: Entry | undefined

  constructor(limits: MemoryLimits) {
    this.#limits = limits
  }

  /** Keys and values together, expired ones that nobody has asked for since included. */
  get bytes(): number {
    return this.#bytes
  }

  /** The live entry, now the most recently used. */
  get(key: string, now: number): Entry | undefined {
    const entry = this.peek(key, now)
    if (entry !== undefined && entry !== this.#newest) {
      this.#unlink(entry)
      this.#link(entry)
    }
    return entry
  }

  /** The live entry; an expired one goes. */
  peek(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt > now) return entry
    this.#remove(entry)
    return undefined
  }

  set(key: string, value: MemoryValue, expiresAt: number, now: number): void {
    const bytes = byteLength(key) + byteLength(value)
    const entry = this.get(key, now)
    this.#makeRoom(bytes - (entry?.bytes ?? 0), entry, now)
    if (entry === undefined) {
      const created: Entry = { key, id: this.#nextId++, value, expiresAt, bytes, older: undefined, newer: undefined }
      this.#entries.set(key, created)
      this.#link(created)
    } else {
      this.#bytes -= entry.bytes
      entry.value = value
      entry.expiresAt = expiresAt
      entry.bytes = bytes
    }
    this.#bytes += bytes
  }

  /** Before a value changes in place: refused where it would no longer fit. */
  reserve(key: string, more: number, now: number): void {
    const entry = this.get(key, now)
    this.#makeRoom(more + (entry === undefined ? byteLength(key) : 0), entry, now)
  }

  delete(key: string, now: number): boolean {
    const entry = this.peek(key, now)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
    this.#oldest = undefined
    this.#newest = undefined
  }

  /** Live entries with an id above `after`, oldest key first; entries may come and go meanwhile. */
  *entries(now: number, after = 0): Generator<Entry> {
    for (const entry of this.#entries.values()) {
      if (entry.id <= after) continue
      if (entry.expiresAt <= now) this.#remove(entry)
      else yield entry
    }
  }

  #makeRoom(more: number, keep: Entry | undefined, now: number): void {
    const { eviction, maxBytes, maxEntries } = this.#limits
    const newEntries = keep === undefined ? 1 : 0
    const full = () => this.#bytes + more > maxBytes || this.#entries.size + newEntries > maxEntries
    if (!full()) return
    if (eviction === "none") {
      for (const _ of this.entries(now)); // drops what has expired
    } else if (more <= maxBytes) {
      while (full() && this.#oldest !== undefined && this.#oldest !== keep) this.#remove(this.#oldest)
    }
    if (full()) throw new ServerReply("OOM command not allowed when used memory > 'maxmemory'.")
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#bytes -= entry.bytes
    this.#unlink(entry)
  }

  #link(entry: Entry): void {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink(entry: Entry): void {
    if (entry.older === undefined) this.#oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) this.#newest = entry.older
    else entry.newer.older = entry.older
    entry.older = undefined
    entry.newer = undefined
  }
}
