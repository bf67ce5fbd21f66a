/** The options of a lease, checked, in numbers. */
import { Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { LeaseOptions } from "../../operations/HeldLease.ts"
import { isLabel } from "./leaseToken.ts"

export interface LeaseTerms {
  /** Milliseconds. */
  readonly lease: number
  readonly wait: number
  readonly renew: boolean
  readonly label: string | undefined
}

/** Milliseconds. */
export const defaultLease = 30_000

export const termsOf = (
  operation: string,
  { label, lease = defaultLease, renew = true, wait = 0 }: LeaseOptions
): Exit.Exit<LeaseTerms, CommandError> => {
  const leaseMillis = toMillis(lease)
  const waitMillis = toMillis(wait)
  if (leaseMillis === undefined || leaseMillis === 0) return refused(operation, "lease must be a duration above zero")
  if (waitMillis === undefined) return refused(operation, "wait is not a duration")
  if (label !== undefined && !isLabel(label)) {
    return refused(operation, "label must be one line of text, of 1 to 64 characters")
  }
  return Exit.succeed({ lease: leaseMillis, wait: waitMillis, renew, label })
}
