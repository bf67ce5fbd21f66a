/** What keys hold, by type. */
import type { KeyType, WireArg } from "../../schema/Command.ts"
import type { CommandContext } from "./command.ts"
import { ServerReply } from "./ServerReply.ts"
import { StreamValue } from "./StreamValue.ts"

/** Text stays text until somebody asks for its bytes. */
export type StringValue = string | Buffer

export class HashValue {
  readonly fields = new Map<string, StringValue>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.fields.size === 0
  }

  /** By how much it grows. */
  growth(field: string, value: StringValue): number {
    const old = this.fields.get(field)
    return byteLength(value) - (old === undefined ? -byteLength(field) : byteLength(old))
  }

  set(field: string, value: StringValue): void {
    this.#bytes += this.growth(field, value)
    this.fields.set(field, value)
  }

  delete(field: string): boolean {
    const old = this.fields.get(field)
    if (old === undefined) return false
    this.#bytes -= byteLength(field) + byteLength(old)
    return this.fields.delete(field)
  }

  copy(): HashValue {
    const copy = new HashValue()
    for (const [field, value] of this.fields) copy.set(field, value)
    return copy
  }
}

/** Members are bytes: text and bytes of the same content are the same member. */
export const memberId = (member: StringValue): string =>
  (typeof member === "string" ? Buffer.from(member) : member).toString("latin1")

export class SetValue {
  readonly members = new Map<string, StringValue>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.members.size === 0
  }

  has(member: StringValue): boolean {
    return this.members.has(memberId(member))
  }

  add(member: StringValue): boolean {
    if (this.has(member)) return false
    this.members.set(memberId(member), member)
    this.#bytes += byteLength(member)
    return true
  }

  delete(member: StringValue): boolean {
    if (!this.members.delete(memberId(member))) return false
    this.#bytes -= byteLength(member)
    return true
  }

  copy(): SetValue {
    const copy = new SetValue()
    for (const member of this.members.values()) copy.add(member)
    return copy
  }
}

export interface Scored {
  readonly member: StringValue
  readonly id: string
  readonly score: number
}

/** By score, then by bytes. */
const before = (a: Scored, b: Scored): boolean => (a.score === b.score ? a.id < b.id : a.score < b.score)

export class SortedSetValue {
  readonly #byId = new Map<string, Scored>()
  /** In order. */
  readonly ranked: Array<Scored> = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.ranked.length === 0
  }

  find(member: StringValue): Scored | undefined {
    return this.#byId.get(memberId(member))
  }

  rank(scored: Scored): number {
    let low = 0
    let high = this.ranked.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (before(this.ranked[middle]!, scored)) low = middle + 1
      else high = middle
    }
    return low
  }

  set(member: StringValue, score: number): void {
    const old = this.find(member)
    if (old === undefined) this.#bytes += byteLength(member)
    else this.ranked.splice(this.rank(old), 1)
    const scored = { member: old?.member ?? member, id: memberId(member), score }
    this.#byId.set(scored.id, scored)
    this.ranked.splice(this.rank(scored), 0, scored)
  }

  delete(member: StringValue): boolean {
    const old = this.find(member)
    if (old === undefined) return false
    this.ranked.splice(this.rank(old), 1)
    this.#byId.delete(old.id)
    this.#bytes -= byteLength(old.member)
    return true
  }

  copy(): SortedSetValue {
    const copy = new SortedSetValue()
    for (const { member, score } of this.ranked) copy.set(member, score)
    return copy
  }
}

export class ListValue {
  readonly items: Array<StringValue> = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.items.length === 0
  }

  /** Replaces some items by others, as an array's `splice` does; what went. */
  splice(start: number, count: number, ...items: ReadonlyArray<StringValue>): ReadonlyArray<StringValue> {
    const gone = this.items.splice(start, count, ...items)
    for (const item of items) this.#bytes += byteLength(item)
    for (const item of gone) this.#bytes -= byteLength(item)
    return gone
  }

  copy(): ListValue {
    const copy = new ListValue()
    for (const item of this.items) copy.splice(copy.items.length, 0, item)
    return copy
  }
}

type Structure = HashValue | ListValue | SetValue | SortedSetValue | StreamValue

export type MemoryValue = StringValue | Structure

const isText = (value: MemoryValue): value is StringValue => typeof value === "string" || Buffer.isBuffer(value)

export const byteLength = (value: MemoryValue): number => {
  if (typeof value === "string") return Buffer.byteLength(value)
  return Buffer.isBuffer(value) ? value.length : value.bytes
}

export const typeOf = (value: MemoryValue): KeyType => {
  if (isText(value)) return "string"
  if (value instanceof HashValue) return "hash"
  if (value instanceof ListValue) return "list"
  if (value instanceof StreamValue) return "stream"
  return value instanceof SetValue ? "set" : "zset"
}

/** A copy that shares nothing that could change. */
export const copyOf = (value: MemoryValue): MemoryValue => (isText(value) ? value : value.copy())

const wrongType = () => new ServerReply("WRONGTYPE Operation against a key holding the wrong kind of value")

/** The string; throws where the value is another thing. */
export const asString = (value: MemoryValue): StringValue => {
  if (!isText(value)) throw wrongType()
  return value
}

export const stringAt = ({ now, store }: CommandContext, key: string): StringValue | undefined => {
  const entry = store.get(key, now)
  return entry && asString(entry.value)
}

/** The structure of that class under a key; throws where there is something else. */
const structureAt =
  <V extends MemoryValue>(structure: abstract new () => V) =>
  ({ now, store }: CommandContext, key: string): V | undefined => {
    const value = store.get(key, now)?.value
    if (value === undefined || value instanceof structure) return value
    throw wrongType()
  }

export const hashAt = structureAt(HashValue)
export const listAt = structureAt(ListValue)
export const setAt = structureAt(SetValue)
export const sortedSetAt = structureAt(SortedSetValue)
export const streamAt = structureAt(StreamValue)

/** Bytes stay the caller's. */
export const kept = (value: WireArg): StringValue => (typeof value === "string" ? value : Buffer.from(value))

/** Stores a structure that has changed; an empty one is gone. */
export const keep = ({ now, store }: CommandContext, key: string, value: Structure): void => {
  if (value.empty) store.delete(key, now)
  else store.set(key, value, store.peek(key, now)?.expiresAt ?? Infinity, now)
}
