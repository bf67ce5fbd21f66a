/** Which failures mean that a store is not there, and what is said of a command that only it could have executed. */
import { CacheConnectionError, CacheTimeoutError } from "../../schema/CacheError.ts"
import { isConnectionReplaced } from "../../schema/failures.ts"

export type Outage = CacheConnectionError | CacheTimeoutError

export const isOutage = (error: unknown): error is Outage =>
  error instanceof CacheTimeoutError ||
  (error instanceof CacheConnectionError && error.phase !== "closed" && !isConnectionReplaced(error))

/** It was not sent, because the store is known not to be there. */
export const notThere = (operation: string, outage: Outage): CacheConnectionError =>
  new CacheConnectionError({
    operation,
    phase: "connect",
    code: outage._tag === "CacheConnectionError" ? outage.code : "TIMEOUT",
    node: outage.node,
    mayHaveExecuted: false
  })
