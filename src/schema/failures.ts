/** Failures that both clients and the cache have in common. */
import { Exit } from "effect"
import {
  CacheConnectionError,
  type CacheError,
  type CommandError,
  CacheInputError,
  CacheServerError,
  CacheTimeoutError
} from "./CacheError.ts"
import { kindOf } from "./codecFailures.ts"

/** Whether the failure leaves it open that the server has done something. */
export const mayHaveExecuted = (error: CacheError): boolean => "mayHaveExecuted" in error && error.mayHaveExecuted

/** Nothing is sent: the arguments are bad. */
export const refused = (operation: string, reason: string): Exit.Exit<never, CacheInputError> =>
  Exit.fail(new CacheInputError({ operation, reason }))

/** What the program's own code gives; where it throws, the arguments are bad. */
export const attempted = <A>(operation: string, who: string, run: () => A): Exit.Exit<A, CacheInputError> => {
  try {
    return Exit.succeed(run())
  } catch (error) {
    return refused(operation, `${who} failed (${kindOf(error)})`)
  }
}

/** The layer of the client, or of the cache, is closed. */
export const closedError = (operation: string, node?: string, mayHaveExecuted = false): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "closed", node, mayHaveExecuted })

/** The error for a reply of a shape that the command cannot have: what answered is not the server that we think it is. */
export const protocolError = (operation: string, node?: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "lost", code: "PROTOCOL", node, mayHaveExecuted: true })

/** What the command goes on with was another connection's, and it was not sent. The server is there. */
export const connectionReplaced = (operation: string, node?: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "lost", code: replaced, node, mayHaveExecuted: false })

const replaced = "CONNECTION_REPLACED"

/** A failure that says that there is no server that answers. */
export type Outage = CacheConnectionError | CacheTimeoutError

export const isOutage = (error: unknown): error is Outage =>
  error instanceof CacheTimeoutError ||
  (error instanceof CacheConnectionError && error.phase !== "closed" && error.code !== replaced)

/** The same failure with something that was not known where it happened. */
export const amended = (
  error: CommandError,
  amendment: { readonly operation: string } | { readonly mayHaveExecuted: true }
): CommandError => {
  switch (error._tag) {
    case "CacheConnectionError":
      return new CacheConnectionError({ ...error, ...amendment })
    case "CacheTimeoutError":
      return new CacheTimeoutError({ ...error, ...amendment })
    case "CacheServerError":
      return new CacheServerError({ ...error, ...amendment })
    default:
      return error
  }
}

/** What is kept of an error reply. */
export const maxReplyLength = 200

/** An error reply's first word, where it is written as a code: in capitals. */
export const replyCode = (reply: string): string => /^[A-Z][A-Z0-9_-]{0,63}(?![\w-])/.exec(reply)?.[0] ?? "ERR"

/** Whether an error reply says no more than that a command is not for this user, or has no such name at this server or proxy. */
export const isNotOffered = (reply: string): boolean =>
  /^(?:NOPERM|(?:ERR )?un(?:known|supported) (?:sub)?command)/i.test(reply)

/** Whether an error in reply to PING comes from a server that serves all the same. MISCONF: its snapshots fail, and it can be read. */
export const isAnswerToPing = (reply: string): boolean => isNotOffered(reply) || reply.startsWith("MISCONF")

/** The command ran, and JavaScript cannot hold what it answered. */
export const inexactInteger = (operation: string): CacheServerError =>
  new CacheServerError({
    operation,
    code: "OVERFLOW",
    reply: "OVERFLOW the reply is an integer beyond 2^53",
    mayHaveExecuted: true
  })

/** Others were faster again and again, and nothing was changed; another attempt may succeed. */
export const tryAgain = (operation: string, reason: string): CacheServerError =>
  new CacheServerError({ operation, code: "TRYAGAIN", reply: `TRYAGAIN ${reason}`, mayHaveExecuted: false })
