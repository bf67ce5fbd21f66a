/**
 * Final keys that are no values': locks and semaphores. The default key function makes none that begin so, and of another's
 * keys those are refused, so that no value ever stands where a lock does.
 */

/** A lock, and its last fence; of a semaphore the holders, those who wait, and what is known of both. */
export type ReservedKind = "lock" | "fence" | "holders" | "row" | "facts"

export const reservedLead = "%vcache:"

export const reservedKey = (kind: ReservedKind, name: string): string => `${reservedLead}${kind}:${name}`

export const isReserved = (finalKey: string): boolean => finalKey.startsWith(reservedLead)

const fences = reservedKey("fence", "")

/** Whether somebody holds something by it. A fence outlives its lock by a day, and the clock makes up for its loss. */
export const isHeld = (finalKey: string): boolean => isReserved(finalKey) && !finalKey.startsWith(fences)
