/**
 * Keys, values and lifetimes in this process, within limits. Where room is wanted, what has expired goes first, then
 * what was not used for longest. Nothing here takes time that grows with the number of entries.
 *
 * An entry is a number, and what is known of it stands in columns under this number: a million entries are not a
 * million objects for the garbage collector to copy and to visit.
 */
import { SplitMap } from "../../../schema/SplitMap.ts"
import { HashValue } from "../values/HashValue.ts"
import { byteLength, type MemoryValue } from "../values/MemoryValue.ts"
import { EntryTable } from "./EntryTable.ts"
import { ExpiryQueue } from "./ExpiryQueue.ts"
import { PagedNumbers } from "./PagedNumbers.ts"
import { RecencyList } from "./RecencyList.ts"
import { ServerReply } from "./ServerReply.ts"

export interface MemoryLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly eviction: "lru" | "none"
  /** Keys that are evicted only when no others are left. */
  readonly evictLast: (key: string) => boolean
}

/** Told of each key that has expired, or made room for others. */
export type OnLost = (key: string) => void

/** Expired entries that are removed so that they are not counted. */
const removedToCount = 500

/** A store that held more gives the memory of its columns back when it is empty. */
const keptEmpty = 10_000

export class MemoryStore {
  readonly #limits: MemoryLimits
  readonly #numbers = new SplitMap<number>()
  readonly #table = new EntryTable()
  /** Milliseconds since 1970; `Infinity` = never. */
  readonly #expiresAt = new PagedNumbers()
  readonly #sizes = new PagedNumbers()
  /** 1 for entries that are evicted last. */
  readonly #ranks = new PagedNumbers()
  readonly #expiring = new ExpiryQueue()
  readonly #recency = [new RecencyList(), new RecencyList()] as const
  /** Of hashes with fields that end: when the key itself does. What stands in `#expiresAt` is when the first of them does. */
  readonly #keyEnds = new Map<number, number>()
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

  /** Keys, with expired ones that are not removed yet. */
  get entries(): number {
    return this.#numbers.size
  }

  /** Whether an entry will expire. */
  get expires(): boolean {
    return this.#expiring.size > 0
  }

  /** Whether an entry has expired and is still here. */
  hasExpired(now: number): boolean {
    return this.#expiring.due(now) !== undefined
  }

  /**
   * How many entries are alive. Where very many have expired at once, those among them that are not removed yet are
   * counted, as on a server.
   */
  size(now: number): number {
    this.removeExpired(now, removedToCount)
    return this.#numbers.size
  }

  /** What a live key holds; it is the most recently used then. */
  get(key: string, now: number): MemoryValue | undefined {
    const entry = this.#use(key, now)
    return entry === undefined ? undefined : this.#table.value(entry)
  }

  /** What a live key holds; an expired one goes. */
  peek(key: string, now: number): MemoryValue | undefined {
    const entry = this.#find(key, now)
    return entry === undefined ? undefined : this.#table.value(entry)
  }

  /** Of a live key. */
  expiresAt(key: string, now: number): number | undefined {
    const entry = this.#find(key, now)
    return entry === undefined ? undefined : this.#keyEnd(entry)
  }

  /** The bytes that the key and its value are counted with; undefined = no such key. */
  sizeOf(key: string, now: number): number | undefined {
    const entry = this.#find(key, now)
    return entry === undefined ? undefined : this.#sizes.at(entry)
  }

  set(key: string, value: MemoryValue, expiresAt: number, now: number): void {
    const bytes = byteLength(key) + byteLength(value)
    const entry = this.#use(key, now)
    const before = entry === undefined ? 0 : this.#sizes.at(entry)
    this.#makeRoom(bytes - before, entry, now)
    if (entry === undefined) this.#add(key, value, expiresAt, bytes)
    else {
      this.#bytes += bytes - before
      this.#sizes.put(entry, bytes)
      this.#table.replace(entry, value)
      this.#expireAt(entry, this.#firstEnd(entry, value, expiresAt))
    }
  }

  /** Gives a live key another lifetime, and uses it. */
  expire(key: string, expiresAt: number, now: number): void {
    const entry = this.#use(key, now)
    if (entry !== undefined) this.#expireAt(entry, this.#firstEnd(entry, this.#table.value(entry), expiresAt))
  }

  /** What `from` holds is under `to` then, with its lifetime. Never refused, as on a server: it makes no copy. */
  rename(from: string, to: string, now: number): void {
    const entry = this.#find(from, now)
    if (entry === undefined) return
    this.delete(to, now)
    const [value, expiresAt, bytes] = [this.#table.value(entry), this.#keyEnd(entry), this.#sizes.at(entry)]
    this.#remove(entry)
    this.#add(to, value, expiresAt, bytes + byteLength(to) - byteLength(from))
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
    this.#numbers.clear()
    this.#table.clear()
    this.#expiring.clear()
    this.#keyEnds.clear()
    for (const owner of [this.#expiresAt, this.#sizes, this.#ranks, ...this.#recency]) owner.clear()
    this.#bytes = 0
  }

  /**
   * Tells `visit` of about `count` live entries; returns the cursor for the others, 0 where none is left. Whatever
   * stays throughout a scan is visited once.
   */
  scan(cursor: number, count: number, now: number, visit: (key: string, value: MemoryValue) => void): number {
    return this.#table.scan(cursor, count, (entry) => {
      if (this.#isAlive(entry, now)) visit(this.#table.key(entry), this.#table.value(entry))
    })
  }

  /** Removes expired entries, as many as `most`; false where none is left. */
  removeExpired(now: number, most: number): boolean {
    for (let i = 0; i < most; i++) {
      const entry = this.#expiring.due(now)
      if (entry === undefined) return false
      this.#settle(entry, now)
    }
    return true
  }

  #find(key: string, now: number): number | undefined {
    const entry = this.#numbers.get(key)
    return entry === undefined || this.#expiresAt.at(entry) > now ? entry : this.#settle(entry, now)
  }

  /** What becomes of an entry of which something has ended: all of it, or fields of a hash; undefined = it is gone. */
  #settle(entry: number, now: number): number | undefined {
    const value = this.#table.value(entry)
    const keyEnd = this.#keyEnd(entry)
    if (keyEnd > now && value instanceof HashValue) {
      const before = value.bytes
      const hasChanged = value.removeEnded(now)
      if (!value.empty) {
        this.#bytes += value.bytes - before
        this.#sizes.put(entry, this.#sizes.at(entry) + value.bytes - before)
        this.#expireAt(entry, this.#firstEnd(entry, value, keyEnd))
        if (hasChanged) this.#onLost(this.#table.key(entry))
        return entry
      }
    }
    this.#lose(entry)
    return undefined
  }

  /** As `#settle` would say, without changing anything. */
  #isAlive(entry: number, now: number): boolean {
    if (this.#expiresAt.at(entry) > now) return true
    const value = this.#table.value(entry)
    return value instanceof HashValue && this.#keyEnd(entry) > now && value.hasLive(now)
  }

  #keyEnd(entry: number): number {
    return this.#keyEnds.get(entry) ?? this.#expiresAt.at(entry)
  }

  /** When something of the entry ends for the first time. */
  #firstEnd(entry: number, value: MemoryValue, keyEnd: number): number {
    if (value instanceof HashValue && value.nextEnd < keyEnd) {
      this.#keyEnds.set(entry, keyEnd)
      return value.nextEnd
    }
    this.#keyEnds.delete(entry)
    return keyEnd
  }

  #use(key: string, now: number): number | undefined {
    const entry = this.#find(key, now)
    if (entry !== undefined) this.#recencyOf(entry).touch(entry)
    return entry
  }

  #recencyOf(entry: number): RecencyList {
    return this.#recency[this.#ranks.at(entry) === 0 ? 0 : 1]
  }

  #add(key: string, value: MemoryValue, expiresAt: number, bytes: number): void {
    const entry = this.#table.add(key, value)
    this.#numbers.set(key, entry)
    this.#sizes.put(entry, bytes)
    this.#ranks.put(entry, this.#limits.evictLast(key) ? 1 : 0)
    const firstEnd = this.#firstEnd(entry, value, expiresAt)
    this.#expiresAt.put(entry, firstEnd)
    this.#expiring.update(entry, firstEnd)
    this.#recencyOf(entry).add(entry)
    this.#bytes += bytes
  }

  #expireAt(entry: number, expiresAt: number): void {
    if (this.#expiresAt.at(entry) === expiresAt) return
    this.#expiresAt.put(entry, expiresAt)
    this.#expiring.update(entry, expiresAt)
  }

  #lose(entry: number): void {
    const key = this.#table.key(entry)
    this.#remove(entry)
    this.#onLost(key)
  }

  #remove(entry: number): void {
    this.#numbers.delete(this.#table.key(entry))
    this.#table.remove(entry)
    this.#expiring.remove(entry)
    this.#keyEnds.delete(entry)
    this.#recencyOf(entry).remove(entry)
    this.#bytes -= this.#sizes.at(entry)
    if (this.#numbers.size === 0 && this.#table.end > keptEmpty) this.clear()
  }

  /** For `more` bytes, and for a new entry unless an old one grows, which stays. */
  #makeRoom(more: number, grows: number | undefined, now: number): void {
    const { eviction, maxBytes, maxEntries } = this.#limits
    const newEntries = grows === undefined ? 1 : 0
    const full = () => this.#bytes + more > maxBytes || this.#numbers.size + newEntries > maxEntries
    while (full() && this.removeExpired(now, 1));
    if (eviction === "lru" && (grows === undefined ? 0 : this.#sizes.at(grows)) + more <= maxBytes) {
      for (const list of this.#recency) {
        // The entry that grows is the newest of its list.
        while (full() && list.oldest !== undefined && list.oldest !== grows) this.#lose(list.oldest)
      }
    }
    if (full()) throw new ServerReply("OOM command not allowed when used memory > 'maxmemory'.")
  }
}
