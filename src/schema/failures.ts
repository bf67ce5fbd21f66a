/** Failures that both clients and the cache have in common. */
import { Exit } from "effect"
import { CacheConnectionError, CacheInputError, CacheServerError } from "./CacheError.ts"

/** Nothing is sent: the arguments are bad. */
export const refused = (operation: string, reason: string): Exit.Exit<never, CacheInputError> =>
  Exit.fail(new CacheInputError({ operation, reason }))

/** A reply of a shape that the command cannot have: whoever answered is not the server we think. */
export const protocolError = (operation: string, node?: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "lost", code: "PROTOCOL", node, mayHaveExecuted: true })

/** What is kept of an error reply. */
export const maxReplyLength = 200

/** An error reply's first word. */
export const replyCode = (reply: string): string => /^[A-Z]+/.exec(reply)?.[0] ?? "ERR"

/** The command ran, and JavaScript cannot hold what it answered. */
export const inexactInteger = (operation: string): CacheServerError =>
  new CacheServerError({
    operation,
    code: "OVERFLOW",
    reply: "OVERFLOW the reply is an integer beyond 2^53",
    node: undefined,
    mayHaveExecuted: true
  })
