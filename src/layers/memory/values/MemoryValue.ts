/** What a key can hold. */
import type { KeyType } from "../../../schema/Command.ts"
import { HashValue } from "./HashValue.ts"
import { ListValue } from "./ListValue.ts"
import { SetValue } from "./SetValue.ts"
import { SortedSetValue } from "./SortedSetValue.ts"
import { StreamValue } from "./StreamValue.ts"
import { stringBytes, type StringValue } from "./StringValue.ts"

export type Structure = HashValue | ListValue | SetValue | SortedSetValue | StreamValue

export type MemoryValue = StringValue | Structure

export const isString = (value: MemoryValue): value is StringValue =>
  typeof value === "string" || Buffer.isBuffer(value)

export const byteLength = (value: MemoryValue): number => (isString(value) ? stringBytes(value) : value.bytes)

export const typeOf = (value: MemoryValue): KeyType => {
  if (isString(value)) return "string"
  if (value instanceof HashValue) return "hash"
  if (value instanceof ListValue) return "list"
  if (value instanceof StreamValue) return "stream"
  return value instanceof SetValue ? "set" : "zset"
}

/** A copy that shares nothing that could change. */
export const copyOf = (value: MemoryValue): MemoryValue => (isString(value) ? value : value.copy())
