/** What is said in an outage of a command that only the store could have executed that is not there. */
import { CacheConnectionError } from "../../schema/CacheError.ts"
import type { Outage } from "../../schema/failures.ts"

/** It was not sent, because the store is known not to be there. */
export const notThere = (operation: string, outage: Outage): CacheConnectionError =>
  new CacheConnectionError({
    operation,
    phase: "connect",
    code: outage._tag === "CacheConnectionError" ? outage.code : "TIMEOUT",
    node: outage.node,
    mayHaveExecuted: false
  })
