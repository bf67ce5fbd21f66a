/** Strings as bytes, which commands change in place. */
import type { WireArg } from "../../../schema/Command.ts"
import { stringAt } from "../kernel/access.ts"
import { bytesOf, keyOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { ServerReply } from "../store/ServerReply.ts"

/** Of one string. */
export const maxStringBytes = 512n * 1024n * 1024n

export const checkLength = (bytes: bigint): void => {
  if (bytes > maxStringBytes) {
    throw new ServerReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
  }
}

export const bytesAt = (context: CommandContext, key: WireArg | undefined): Buffer | undefined => {
  const value = stringAt(context, keyOf(key))
  return value === undefined ? undefined : bytesOf(value)
}

/** From and to, both included, of what two indexes mean among so many, below zero from the end; undefined = nothing. */
export const included = (
  start: bigint,
  end: bigint,
  total: bigint
): readonly [from: number, to: number] | undefined => {
  const place = (index: bigint) => {
    const absolute = index < 0n ? total + index : index
    return absolute < 0n ? 0n : absolute
  }
  const from = place(start)
  const to = place(end) >= total ? total - 1n : place(end)
  return from > to ? undefined : [Number(from), Number(to)]
}

/** A copy of what is under the key, with zeros behind it up to that length; refused where there is no room for it. */
export const grown = (context: CommandContext, key: WireArg | undefined, length: number): Buffer => {
  const current = bytesAt(context, key) ?? Buffer.alloc(0)
  context.store.reserve(keyOf(key), Math.max(0, length - current.length), context.now)
  const bytes = Buffer.alloc(Math.max(current.length, length))
  current.copy(bytes)
  return bytes
}
