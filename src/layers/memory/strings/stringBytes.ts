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

/** A copy of what is under the key, with zeros behind it up to that length; refused where there is no room for it. */
export const grown = (context: CommandContext, key: WireArg | undefined, length: number): Buffer => {
  const current = bytesAt(context, key) ?? Buffer.alloc(0)
  context.store.reserve(keyOf(key), Math.max(0, length - current.length), context.now)
  const bytes = Buffer.alloc(Math.max(current.length, length))
  current.copy(bytes)
  return bytes
}
