/** Replies are checked, never cast: one of another shape is an error, not a value. */
import { Exit, Option } from "effect"
import type { CacheConnectionError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { protocolError } from "../../../schema/failures.ts"

/** Whoever answered so is not the server we think it is. */
export const unexpected = (operation: string): Exit.Exit<never, CacheConnectionError> =>
  Exit.fail(protocolError(operation))

export const integer = (operation: string) => (reply: Reply) =>
  typeof reply === "number" ? Exit.succeed(reply) : unexpected(operation)

export const text = (operation: string) => (reply: Reply) =>
  typeof reply === "string" ? Exit.succeed(reply) : unexpected(operation)

/** None where the server has nothing to tell. */
export const optional =
  <A>(read: (reply: Reply) => Exit.Exit<A, CacheConnectionError>) =>
  (reply: Reply): Exit.Exit<Option.Option<A>, CacheConnectionError> =>
    reply === null ? Exit.succeed(Option.none()) : Exit.map(read(reply), Option.some)

/** 1 or 0. */
export const flag = (operation: string) => (reply: Reply) =>
  reply === 1 || reply === 0 ? Exit.succeed(reply === 1) : unexpected(operation)

export const ok = (operation: string) => (reply: Reply) => (reply === "OK" ? Exit.void : unexpected(operation))

/** "OK", or null where a condition held the command back. */
export const done = (operation: string) => (reply: Reply) =>
  reply === "OK" || reply === null ? Exit.succeed(reply === "OK") : unexpected(operation)

/** A number with a fraction, as text. */
export const finite = (operation: string) => (reply: Reply) => {
  const number = typeof reply === "string" && reply !== "" ? Number(reply) : Number.NaN
  return Number.isFinite(number) ? Exit.succeed(number) : unexpected(operation)
}

/** As many flags as were asked for. */
export const flags =
  (operation: string, length: number) =>
  (reply: Reply): Exit.Exit<ReadonlyArray<boolean>, CacheConnectionError> => {
    if (!Array.isArray(reply) || reply.length !== length) return unexpected(operation)
    return reply.every((one: Reply) => one === 0 || one === 1)
      ? Exit.succeed(reply.map((one: Reply) => one === 1))
      : unexpected(operation)
  }

/** Of what several commands counted. */
export const sum = (operation: string, counts: ReadonlyArray<Reply>): Exit.Exit<number, CacheConnectionError> => {
  let sum = 0
  for (const count of counts) {
    if (typeof count !== "number") return unexpected(operation)
    sum += count
  }
  return Exit.succeed(sum)
}

export const texts =
  (operation: string) =>
  (reply: Reply | undefined): Exit.Exit<ReadonlyArray<string>, CacheConnectionError> =>
    Array.isArray(reply) && reply.every((one: Reply) => typeof one === "string" || Buffer.isBuffer(one))
      ? Exit.succeed(reply.map(String))
      : unexpected(operation)

export const integers =
  (operation: string) =>
  (reply: Reply): Exit.Exit<ReadonlyArray<number>, CacheConnectionError> => {
    if (!Array.isArray(reply)) return unexpected(operation)
    const numbers = reply.filter((one: Reply) => typeof one === "number")
    return numbers.length === reply.length ? Exit.succeed(numbers) : unexpected(operation)
  }
