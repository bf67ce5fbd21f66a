/** From iovalkey's failures to ours. Raw errors hold arguments and credentials, so that none is ever kept. */
import { maxReplyLength, replyCode } from "../../schema/failures.ts"
import {
  CacheConnectionError,
  type CommandError,
  CacheServerError,
  CacheTimeoutError
} from "../../schema/CacheError.ts"
import type { ForeignError } from "../../schema/ForeignError.ts"
import { NoConnection, NotWritten, ConnectionLost, ConnectionBroken, ReplyTooLarge } from "./ConnectionFailure.ts"

/** What is known of the command when it fails. */
export interface Circumstances {
  readonly operation: string
  readonly node?: string | undefined
  /** Why the connection was last lost or could not be made. */
  readonly lastError: ForeignError | undefined
  /** Whether it may have changed something, if it was executed. Default: true. */
  readonly changes?: boolean | undefined
}

/** The server's words without the arguments that some of them repeat. */
const cleanReply = (message: string): string =>
  message
    .replace(/,? ?with args beginning with:.*$/s, "")
    .replace(/ script: [0-9a-f]{40}, on @.*$/s, "")
    .slice(0, maxReplyLength)

const serverError = ({ operation, node }: Omit<Circumstances, "lastError">, message: string, mayHaveExecuted = false) =>
  new CacheServerError({ operation, node, code: replyCode(message), reply: cleanReply(message), mayHaveExecuted })

export const isReplyError = (error: Error): boolean => error.name === "ReplyError"

/** The server does not take writes: it is no primary, or no longer one. */
export const isDemoted = (error: Error): boolean =>
  isReplyError(error) && /^(?:READONLY|EXECABORT .*\bREADONLY)\b/.test(error.message)

/** The connection was lost while the command was under way. */
export const isLoss = (error: Error): boolean =>
  error instanceof ConnectionLost ||
  (error instanceof ConnectionBroken && error.code !== "PROTOCOL") ||
  error.name === "MaxRetriesPerRequestError" ||
  error.name === "AbortError" ||
  error.message === "Connection is closed."

/** The error of a command that iovalkey gave up; undefined where the error is not the client's. */
export const fromRejection = (error: unknown, circumstances: Circumstances): CommandError | undefined => {
  if (!(error instanceof Error)) return undefined
  const { changes: mayHaveExecuted = true, lastError, node, operation } = circumstances
  if (isReplyError(error)) return serverError(circumstances, error.message)
  if (error instanceof ReplyTooLarge) {
    const { code, message } = error
    return new CacheServerError({ operation, node, code, reply: `${code} ${message}`, mayHaveExecuted })
  }
  if (error instanceof NotWritten || error.message.startsWith("Stream isn't writeable")) {
    return notConnected(circumstances)
  }
  if (error instanceof ConnectionBroken || error.name === "ParserError") {
    return new CacheConnectionError({
      operation,
      phase: "lost",
      code: causeOf(error).code,
      node,
      mayHaveExecuted,
      cause: causeOf(error)
    })
  }
  if (!isLoss(error)) return undefined
  return new CacheConnectionError({
    operation,
    phase: "lost",
    code: lastError?.code,
    node,
    mayHaveExecuted,
    ...(lastError === undefined ? {} : { cause: lastError })
  })
}

/** `fromRejection` for promises of iovalkey itself, whose commands end by times and detours of their own, too. */
export const fromRaw = (error: unknown, circumstances: Circumstances, timeout: number): CommandError | undefined => {
  if (!(error instanceof Error)) return undefined
  const { node, operation } = circumstances
  // Its cluster client tells the last of several failures as a text.
  const [, last] = /^Too many Cluster redirections\. Last error: (?:\w*Error: )?(.*)$/s.exec(error.message) ?? []
  if ((last ?? error.message) === "Command timed out") {
    return new CacheTimeoutError({ operation, phase: "command", timeout, node, mayHaveExecuted: true })
  }
  if (last !== undefined) {
    return new CacheConnectionError({ operation, phase: "lost", code: undefined, node, mayHaveExecuted: true })
  }
  if (error.message.startsWith("Cluster isn't ready") || error.message === "None of startup nodes is available") {
    return notConnected(circumstances)
  }
  return fromRejection(error, circumstances)
}

/** There is no connection, and the command was never sent. */
export const notConnected = ({ operation, node, lastError }: Circumstances): CacheConnectionError =>
  new CacheConnectionError({
    operation,
    // What spoke another protocol was connected, and lost.
    phase: lastError?.code === "PROTOCOL" ? "lost" : "connect",
    code: lastError?.code,
    node,
    mayHaveExecuted: false,
    ...(lastError === undefined ? {} : { cause: lastError })
  })

/** Why a transaction did not run, with the code of the command that kept it from running. */
export const transactionAborted = (node: string | undefined, message: string, first: Error | undefined) => {
  const code = first === undefined ? "" : ` (${replyCode(first.message)})`
  return serverError({ operation: "EXEC", node }, `${cleanReply(message)}${code}`)
}

/** A command of a transaction failed while its neighbours ran. */
export const failedInTransaction = (operation: string, node: string | undefined, error: Error) =>
  serverError({ operation, node }, error.message, true)

/** Name, message and code of a foreign error: nothing else of it is safe to show. */
export const causeOf = (error: unknown): ForeignError => {
  if (!(error instanceof Error)) return { name: "Error", message: "unknown" }
  const code = codeOf(error)
  const message = isReplyError(error)
    ? cleanReply(error.message)
    : error.message.replace(/ Last (reply|error):.*$/s, "")
  return { name: error.name, message, ...(code === undefined ? {} : { code }) }
}

const codeOf = (error: Error): string | undefined => {
  if (isReplyError(error)) {
    return error.message.includes("max number of clients") ? "MAXCLIENTS" : replyCode(error.message)
  }
  if (error.name === "ParserError" || error.message.startsWith("Command queue state error")) return "PROTOCOL"
  return "code" in error && typeof error.code === "string" ? error.code : undefined
}

/** The code of whatever a server was not to be had for. */
export const failureCode = (error: unknown): string | undefined => {
  if (error instanceof CacheTimeoutError) return error.code ?? "ETIMEDOUT"
  if (error instanceof CacheConnectionError) return error.code
  return causeOf(error).code
}

/** Whether a server was not there at all: nobody has to repair more than that. */
export const isUnreachable = (code: string): boolean => /^E[A-Z]+$/.test(code)

/** Why none of several servers was to be had. One reason for all: what somebody has to repair, if there is such a thing. */
export const noneOf = (
  codes: ReadonlyArray<string | undefined>,
  repairable: string | undefined,
  refusal: string,
  silence: { readonly code: string; readonly message: string }
): NoConnection =>
  repairable === undefined
    ? new NoConnection(silence.code, `${silence.message}: ${[...new Set(codes)].join(", ")}`)
    : new NoConnection(repairable, refusal)
