/**
 * Keys, values and lifetimes in this process, within limits. Where room is wanted, what has expired goes first, then
 * what was not used for longest. Nothing here takes time that grows with the number of entries.
 */
import { SplitMap } from "../../../schema/SplitMap.ts"
import { ServerReply } from "./ServerReply.ts"
import { byteLength, type MemoryValue } from "../values/MemoryValue.ts"
import { type Entry, StoredEntry } from "./Entry.ts"
import { ExpiryQueue } from "./ExpiryQueue.ts"
import { ScanOrder } from "./ScanOrder.ts"
import { RecencyList } from "./RecencyList.ts"

export interface MemoryLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly eviction: "lru" | "none"
  /** Keys that are evicted only when no others are left. */
  readonly evictLast: (key: string) => boolean
}

/** Told of each key that has expired, or made room for others. */
export type OnLost = (key: string) => void

export class MemoryStore {
  readonly #limits: MemoryLimits
  readonly #entries = new SplitMap<StoredEntry>()
  readonly #scanOrder = new ScanOrder()
  readonly #expiring = new ExpiryQueue()
  readonly #ordinary = new RecencyList()
  readonly #evictedLast = new RecencyList()
  readonly #onLost: OnLost
  #bytes = 0

  constructor(limits: MemoryLimits, onLost: OnLost = () => {}) {
    this.#limits = limits
    this.#onLost = onLost
  }

  /** Keys and values together, with expired ones that are not removed yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether an entry will expire. */
  get expires(): boolean {
    return this.#expiring.size > 0
  }

  /** Whether an entry has expired and is still here. */
  hasExpired(now: number): boolean {
    return this.#expiring.due(now) !== undefined
  }

  /** How many entries are alive. */
  size(now: number): number {
    return this.#entries.size - this.#expiring.countDue(now)
  }

  /** The live entry, now the most recently used. */
  get(key: string, now: number): Entry | undefined {
    return this.#use(key, now)
  }

  /** The live entry; an expired one goes. */
  peek(key: string, now: number): Entry | undefined {
    return this.#find(key, now)
  }

  set(key: string, value: MemoryValue, expiresAt: number, now: number): void {
    const bytes = byteLength(key) + byteLength(value)
    const entry = this.#use(key, now)
    this.#makeRoom(bytes - (entry?.bytes ?? 0), entry, now)
    if (entry === undefined) this.#add(key, value, expiresAt, bytes)
    else {
      this.#bytes += bytes - entry.bytes
      entry.bytes = bytes
      entry.value = value
      this.#expireAt(entry, expiresAt)
    }
  }

  /** Gives a live key another lifetime, and uses it. */
  expire(key: string, expiresAt: number, now: number): void {
    const entry = this.#use(key, now)
    if (entry !== undefined) this.#expireAt(entry, expiresAt)
  }

  /** What `from` holds is under `to` then, with its lifetime. Never refused, as on a server: it makes no copy. */
  rename(from: string, to: string, now: number): void {
    const entry = this.#find(from, now)
    if (entry === undefined) return
    this.delete(to, now)
    this.#remove(entry)
    this.#add(to, entry.value, entry.expiresAt, entry.bytes + byteLength(to) - byteLength(from))
  }

  /** Before a value changes in place: refused where it would no longer fit. */
  reserve(key: string, more: number, now: number): void {
    const entry = this.#use(key, now)
    this.#makeRoom(more + (entry === undefined ? byteLength(key) : 0), entry, now)
  }

  delete(key: string, now: number): boolean {
    const entry = this.#find(key, now)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  clear(): void {
    this.#entries.clear()
    this.#scanOrder.clear()
    this.#expiring.clear()
    this.#ordinary.clear()
    this.#evictedLast.clear()
    this.#bytes = 0
  }

  /**
   * Tells `visit` of about `count` live entries; returns the cursor for the others, 0 where none is left. Whatever
   * stays throughout a scan is visited once.
   */
  scan(cursor: number, count: number, now: number, visit: (entry: Entry) => void): number {
    return this.#scanOrder.scan(cursor, count, (entry) => {
      if (entry.expiresAt > now) visit(entry)
    })
  }

  /** All live entries. */
  *entries(now: number): Generator<Entry> {
    for (const entry of this.#scanOrder) if (entry.expiresAt > now) yield entry
  }

  /** Removes expired entries, as many as `most`; false where none is left. */
  removeExpired(now: number, most: number): boolean {
    for (let i = 0; i < most; i++) {
      const entry = this.#expiring.due(now)
      if (entry === undefined) return false
      this.#lose(entry)
    }
    return true
  }

  #find(key: string, now: number): StoredEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt > now) return entry
    this.#lose(entry)
    return undefined
  }

  #use(key: string, now: number): StoredEntry | undefined {
    const entry = this.#find(key, now)
    if (entry !== undefined) this.#recencyOf(entry).touch(entry)
    return entry
  }

  #recencyOf(entry: StoredEntry): RecencyList {
    return entry.evictedLast ? this.#evictedLast : this.#ordinary
  }

  #add(key: string, value: MemoryValue, expiresAt: number, bytes: number): void {
    const entry = new StoredEntry(key, value, expiresAt, bytes, this.#limits.evictLast(key))
    this.#entries.set(key, entry)
    this.#scanOrder.add(entry)
    this.#expiring.update(entry)
    this.#recencyOf(entry).add(entry)
    this.#bytes += bytes
  }

  #expireAt(entry: StoredEntry, expiresAt: number): void {
    if (entry.expiresAt === expiresAt) return
    entry.expiresAt = expiresAt
    this.#expiring.update(entry)
  }

  #lose(entry: StoredEntry): void {
    this.#remove(entry)
    this.#onLost(entry.key)
  }

  #remove(entry: StoredEntry): void {
    this.#entries.delete(entry.key)
    this.#scanOrder.remove(entry)
    this.#expiring.remove(entry)
    this.#recencyOf(entry).remove(entry)
    this.#bytes -= entry.bytes
  }

  /** For `more` bytes, and for a new entry unless an old one grows, which stays. */
  #makeRoom(more: number, grows: StoredEntry | undefined, now: number): void {
    const { eviction, maxBytes, maxEntries } = this.#limits
    const newEntries = grows === undefined ? 1 : 0
    const full = () => this.#bytes + more > maxBytes || this.#entries.size + newEntries > maxEntries
    while (full() && this.removeExpired(now, 1));
    if (eviction === "lru" && (grows?.bytes ?? 0) + more <= maxBytes) {
      for (const list of [this.#ordinary, this.#evictedLast]) {
        // The entry that grows is the newest of its list.
        while (full() && list.oldest !== undefined && list.oldest !== grows) this.#lose(list.oldest)
      }
    }
    if (full()) throw new ServerReply("OOM command not allowed when used memory > 'maxmemory'.")
  }
}
