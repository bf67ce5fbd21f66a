/** How commands read and write what a key holds: by the type that they expect there. */
import type { WireArg } from "../../../schema/Command.ts"
import type { CommandContext } from "./CommandContext.ts"
import { ServerReply } from "../store/ServerReply.ts"
import { HashValue } from "../values/HashValue.ts"
import { ListValue } from "../values/ListValue.ts"
import { isString, type MemoryValue, type Structure } from "../values/MemoryValue.ts"
import { SetValue } from "../values/SetValue.ts"
import { SortedSetValue } from "../values/SortedSetValue.ts"
import { StreamValue } from "../values/StreamValue.ts"
import type { StringValue } from "../values/StringValue.ts"

const wrongType = () => new ServerReply("WRONGTYPE Operation against a key holding the wrong kind of value")

/** The string; throws where the value is another thing. */
export const asString = (value: MemoryValue): StringValue => {
  if (!isString(value)) throw wrongType()
  return value
}

export const stringAt = ({ now, store }: CommandContext, key: string): StringValue | undefined => {
  const value = store.get(key, now)
  return value === undefined ? undefined : asString(value)
}

/** The structure of that class under a key; throws where there is something else. */
const structureAt =
  <V extends MemoryValue>(structure: abstract new () => V) =>
  ({ now, store }: CommandContext, key: string): V | undefined => {
    const value = store.get(key, now)
    if (value === undefined || value instanceof structure) return value
    throw wrongType()
  }

export const hashAt = structureAt(HashValue)
export const listAt = structureAt(ListValue)
export const setAt = structureAt(SetValue)
export const sortedSetAt = structureAt(SortedSetValue)
export const streamAt = structureAt(StreamValue)

/** What sorted sets are combined with. */
export const setOrSortedSetAt = (
  { now, store }: CommandContext,
  key: string
): SetValue | SortedSetValue | undefined => {
  const value = store.get(key, now)
  if (value === undefined || value instanceof SetValue || value instanceof SortedSetValue) return value
  throw wrongType()
}

/** Bytes stay the caller's. */
export const kept = (value: WireArg): StringValue => (typeof value === "string" ? value : Buffer.from(value))

/** New content, same lifetime. */
export const rewrite = ({ now, store }: CommandContext, key: string, value: MemoryValue): void =>
  store.set(key, value, store.expiresAt(key, now) ?? Infinity, now)

/** Stores a structure that has changed; an empty one is gone. */
export const keep = (context: CommandContext, key: string, value: Structure): void => {
  if (value.empty) context.store.delete(key, context.now)
  else rewrite(context, key, value)
}
