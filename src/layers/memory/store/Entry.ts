/** A key and what it holds, with its places in the store's orders. */
import type { MemoryValue } from "../values/MemoryValue.ts"

/** Only the store changes it. */
export interface Entry {
  readonly key: string
  readonly value: MemoryValue
  /** Milliseconds since 1970; `Infinity` = never. */
  readonly expiresAt: number
  readonly bytes: number
}

/** The store's own view of an entry; each order keeps what it needs to find the entry's place at once. */
export class StoredEntry implements Entry {
  readonly key: string
  value: MemoryValue
  expiresAt: number
  bytes: number
  /** Of `ScanOrder`. */
  scanPlace = -1
  /** Of `ExpiryQueue`; -1 for an entry that never expires. */
  place = -1
  /** Of a `RecencyList`. */
  older: StoredEntry | undefined = undefined
  newer: StoredEntry | undefined = undefined
  readonly evictedLast: boolean

  constructor(key: string, value: MemoryValue, expiresAt: number, bytes: number, evictedLast: boolean) {
    this.key = key
    this.value = value
    this.expiresAt = expiresAt
    this.bytes = bytes
    this.evictedLast = evictedLast
  }
}
