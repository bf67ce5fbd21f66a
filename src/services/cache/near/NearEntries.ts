/**
 * Near values by key, in the order of their last use. An entry is a number, and what is known of it stands in columns under
 * this number: it takes half the memory of an object. And V8 keeps the tables of a `Map` in which keys come and go until it
 * collects all of its heap, with all that they held: here these are numbers.
 */
import type { Header } from "../../../schema/frame.ts"
import type { NearValue } from "./NearValue.ts"
import { NumberIndex } from "./NumberIndex.ts"
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
  /** 1 where the key stands without the head. */
  readonly isOwn = new Uint8Array(pageSize)
}

/** In place of an entry. */
export const none = -1

export class NearEntries {
  readonly #head: string | undefined
  /** Of keys that begin with the head, by what follows it: whoever knows that need not put the whole of a key together. */
  readonly #own = new NumberIndex((entry) => this.#known(entry))
  readonly #others = new NumberIndex((entry) => this.#known(entry))
  #pages: Array<Page> = []
  /** Numbers that were used, and are to be used again. */
  #free: Array<number> = []
  /** All numbers in use are below it. */
  #end = 0
  #bytes = 0
  #oldest = none
  #newest = none

  /** `head`: what most keys begin with. */
  constructor(head?: string) {
    this.#head = head
  }

  get size(): number {
    return this.#own.size + this.#others.size
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

  /** Or `none`. `rest`: what follows the head, where that is known. */
  find(key: string, rest = this.#restOf(key)): number {
    return (rest === undefined ? this.#others.get(key) : this.#own.get(rest)) ?? none
  }

  /** Of the key that is the head and this. Or `none`. */
  findOwn(rest: string): number {
    return this.#own.get(rest) ?? none
  }

  /**
   * The same where it is a value alone, which this codec has decoded, has not ended by `now`, and is of a
   * server that has proven at `provenSince` or later that it announces its changes. Or `none`. One step, because most reads end with it.
   */
  findShared(rest: string, codec: object, now: number, provenSince: number): number {
    const entry = this.#own.get(rest)
    if (entry === undefined) return none
    const page = this.#pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    const { isSuspended, provenAt } = page.proofs[at]!
    const isShared = page.codecs[at] === codec && page.headers[at] === undefined
    return isShared && now < page.expiresAt[at]! && provenAt >= provenSince && !isSuspended ? entry : none
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
  add(
    key: string,
    value: NearValue,
    bytes: number,
    expiresAt: number,
    proof: ServerProof,
    rest = this.#restOf(key)
  ): void {
    const entry = this.#free.pop() ?? this.#end++
    const page = (this.#pages[entry >> bits] ??= new Page())
    const at = entry & (pageSize - 1)
    const known = rest === undefined ? key : copyOf(rest)
    page.keys[at] = known
    page.isOwn[at] = rest === undefined ? 0 : 1
    page.proofs[at] = proof
    page.expiresAt[at] = expiresAt
    page.bytes[at] = bytes
    this.#put(page, at, value)
    this.#numbersOf(page, at).add(known, entry)
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
    const newest = this.#newest
    if (entry === newest) return
    const pages = this.#pages
    const page = pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    const older = page.older[at]!
    const newer = page.newer[at]!
    pages[newer >> bits]!.older[newer & (pageSize - 1)] = older
    if (older === none) this.#oldest = newer
    else pages[older >> bits]!.newer[older & (pageSize - 1)] = newer
    page.older[at] = newest
    page.newer[at] = none
    pages[newest >> bits]!.newer[newest & (pageSize - 1)] = entry
    this.#newest = entry
  }

  remove(entry: number): void {
    const page = this.#pages[entry >> bits]!
    const at = entry & (pageSize - 1)
    this.#numbersOf(page, at).delete(page.keys[at]!)
    this.#unlink(entry)
    this.#bytes -= page.bytes[at]!
    page.proofs[at]!.entries--
    page.keys[at] = undefined
    page.proofs[at] = undefined
    this.#put(page, at, nothing)
    this.#free.push(entry)
  }

  clear(): void {
    this.#own.clear()
    this.#others.clear()
    this.#pages = []
    this.#free = []
    this.#end = 0
    this.#bytes = 0
    this.#oldest = none
    this.#newest = none
  }

  #restOf(key: string): string | undefined {
    const head = this.#head
    return head !== undefined && key.startsWith(head) ? key.slice(head.length) : undefined
  }

  #numbersOf(page: Page, at: number): NumberIndex {
    return page.isOwn[at] === 1 ? this.#own : this.#others
  }

  /** The text by which it is found. */
  #known(entry: number): string | undefined {
    return this.#pages[entry >> bits]!.keys[entry & (pageSize - 1)]
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

/** V8 copies parts of texts that are shorter. */
const leastPart = 13

/** A part of a text would keep the whole of it. What is joined is a text of its own. */
const copyOf = (text: string): string => (text.length < leastPart ? text : [text.charAt(0), text.slice(1)].join(""))

const nothing: NearValue = { codec: undefined, value: undefined, header: undefined }
