/**
 * Near values by key, in the order of their last use. An entry is a number, and what is known of it stands in columns under
 * this number: it takes half the memory of an object. And V8 keeps the tables of a `Map` in which keys come and go until it
 * collects all of its heap, with all that they held: here these are numbers.
 */
import type { Header } from "../../../schema/frame.ts"
import { SplitMap } from "../../../schema/SplitMap.ts"
import type { NearValue } from "./NearValue.ts"
import type { ServerProof } from "./ServerProof.ts"

const bits = 10
const pageSize = 1 << bits

/** The columns of so many entries: they grow without being copied. */
class Page {
  readonly keys: Array<string | undefined> = []
  readonly codecs: Array<object | undefined> = []
  readonly values: Array<unknown> = []
  readonly headers: Array<Header | undefined> = []
  readonly proofs: Array<ServerProof | undefined> = []
  /** Instants. */
  readonly expiresAt = new Float64Array(pageSize)
  /** Of the key and the stored form. */
  readonly bytes = new Float64Array(pageSize)
  readonly older = new Int32Array(pageSize)
  readonly newer = new Int32Array(pageSize)
}

/** In place of an entry. */
export const none = -1

export class NearEntries {
  readonly #numbers = new SplitMap<number>()
  #pages: Array<Page> = []
  /** Numbers that were used, and are to be used again. */
  #free: Array<number> = []
  /** All numbers in use are below it. */
  #end = 0
  #bytes = 0
  #oldest = none
  #newest = none

  get size(): number {
    return this.#numbers.size
  }

  /** Of keys and stored forms. */
  get bytes(): number {
    return this.#bytes
  }

  /** The least recently used, or `none`. */
  get oldest(): number {
    return this.#oldest
  }

  /** The entry that was used next, or `none`. */
  newerThan(entry: number): number {
    return this.#pages[entry >> bits]!.newer[entry & (pageSize - 1)]!
  }

  /** Or `none`. */
  find(key: string): number {
    return this.#numbers.get(key) ?? none
  }

  value(entry: number): NearValue {
    const { codecs, headers, values } = this.#pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    return { codec: codecs[at], value: values[at], header: headers[at] }
  }

  /** Of the server that announces its changes. */
  proof(entry: number): ServerProof {
    return this.#pages[entry >> bits]!.proofs[entry & (pageSize - 1)]!
  }

  /** The instant at which its lifetime ends. */
  expiresAt(entry: number): number {
    return this.#pages[entry >> bits]!.expiresAt[entry & (pageSize - 1)]!
  }

  /** Adds a key that is not there, as the most recently used. `bytes`: of the key and the stored form. */
  add(key: string, value: NearValue, bytes: number, expiresAt: number, proof: ServerProof): void {
    const entry = this.#free.pop() ?? this.#end++
    const page = (this.#pages[entry >> bits] ??= new Page())
    const at = entry & (pageSize - 1)
    page.keys[at] = key
    page.proofs[at] = proof
    page.expiresAt[at] = expiresAt
    page.bytes[at] = bytes
    this.#put(page, at, value)
    this.#numbers.set(key, entry)
    this.#link(entry)
    this.#bytes += bytes
    proof.entries++
  }

  /** The same value in another form. */
  replace(entry: number, value: NearValue): void {
    this.#put(this.#pages[entry >> bits]!, entry & (pageSize - 1), value)
  }

  /** It was used just now. */
  touch(entry: number): void {
    if (entry === this.#newest) return
    this.#unlink(entry)
    this.#link(entry)
  }

  remove(entry: number): void {
    const page = this.#pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    this.#numbers.delete(page.keys[at]!)
    this.#unlink(entry)
    this.#bytes -= page.bytes[at]!
    page.proofs[at]!.entries--
    page.keys[at] = undefined
    page.proofs[at] = undefined
    this.#put(page, at, nothing)
    this.#free.push(entry)
  }

  clear(): void {
    this.#numbers.clear()
    this.#pages = []
    this.#free = []
    this.#end = 0
    this.#bytes = 0
    this.#oldest = none
    this.#newest = none
  }

  #put(page: Page, at: number, { codec, header, value }: NearValue): void {
    page.codecs[at] = codec
    page.headers[at] = header
    page.values[at] = value
  }

  #link(entry: number): void {
    const page = this.#pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    page.older[at] = this.#newest
    page.newer[at] = none
    if (this.#newest === none) this.#oldest = entry
    else this.#setNewer(this.#newest, entry)
    this.#newest = entry
  }

  #unlink(entry: number): void {
    const page = this.#pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    const older = page.older[at]!
    const newer = page.newer[at]!
    if (older === none) this.#oldest = newer
    else this.#setNewer(older, newer)
    if (newer === none) this.#newest = older
    else this.#pages[newer >> bits]!.older[newer & (pageSize - 1)] = older
  }

  #setNewer(entry: number, newer: number): void {
    this.#pages[entry >> bits]!.newer[entry & (pageSize - 1)] = newer
  }
}

const nothing: NearValue = { codec: undefined, value: undefined, header: undefined }
