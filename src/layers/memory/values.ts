/** What keys hold, by type. */
import type { KeyType } from "../../schema/Command.ts"
import type { CommandContext } from "./command.ts"
import { ServerReply } from "./ServerReply.ts"

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

export type MemoryValue = StringValue | HashValue

export const byteLength = (value: MemoryValue): number => {
  if (typeof value === "string") return Buffer.byteLength(value)
  return value instanceof HashValue ? value.bytes : value.length
}

export const typeOf = (value: MemoryValue): KeyType => (value instanceof HashValue ? "hash" : "string")

/** A copy that shares nothing that could change. */
export const copyOf = (value: MemoryValue): MemoryValue => (value instanceof HashValue ? value.copy() : value)

const wrongType = () => new ServerReply("WRONGTYPE Operation against a key holding the wrong kind of value")

/** The string; throws where the value is another thing. */
export const asString = (value: MemoryValue): StringValue => {
  if (value instanceof HashValue) throw wrongType()
  return value
}

export const stringAt = ({ now, store }: CommandContext, key: string): StringValue | undefined => {
  const entry = store.get(key, now)
  return entry && asString(entry.value)
}

export const hashAt = ({ now, store }: CommandContext, key: string): HashValue | undefined => {
  const value = store.get(key, now)?.value
  if (value === undefined || value instanceof HashValue) return value
  throw wrongType()
}
