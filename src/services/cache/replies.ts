/** Replies are checked, never cast: one of another shape is an error, not a value. */
import { Exit } from "effect"
import type { CacheConnectionError } from "../../schema/CacheError.ts"
import type { Reply } from "../../schema/Command.ts"
import { protocolError } from "../../schema/failures.ts"

/** Whoever answered so is not the server we think it is. */
export const unexpected = (operation: string): Exit.Exit<never, CacheConnectionError> =>
  Exit.fail(protocolError(operation))

export const integer = (operation: string) => (reply: Reply) =>
  typeof reply === "number" ? Exit.succeed(reply) : unexpected(operation)

/** 1 or 0. */
export const flag = (operation: string) => (reply: Reply) =>
  reply === 1 || reply === 0 ? Exit.succeed(reply === 1) : unexpected(operation)

/** "OK", or null where a condition held the command back. */
export const done = (operation: string) => (reply: Reply) =>
  reply === "OK" || reply === null ? Exit.succeed(reply === "OK") : unexpected(operation)

/** A number with a fraction, as text. */
export const finite = (operation: string) => (reply: Reply) => {
  const number = typeof reply === "string" ? Number(reply) : Number.NaN
  return Number.isFinite(number) ? Exit.succeed(number) : unexpected(operation)
}
