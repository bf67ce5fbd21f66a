/**
 * Final keys that are no values': locks, semaphores and the records of tags. The default key function makes none that begin so, and of another's
 * keys those are refused, so that no value ever stands where a lock does.
 */

/**
 * A lock, and its last fence; of a semaphore the holders, those who wait, and what is known of both; the token of a tag, and
 * the ledger of all tags of a cache.
 */
export type ReservedKind = "lock" | "fence" | "holders" | "row" | "facts" | "tag" | "tags"

export const reservedLead = "%vcache:"

export const reservedKey = (kind: ReservedKind, name: string): string => `${reservedLead}${kind}:${name}`

export const isReserved = (finalKey: string): boolean => finalKey.startsWith(reservedLead)

const fences = reservedKey("fence", "")
const tags = reservedKey("tag", "")

/**
 * Whether much hangs on it: somebody holds something by it, or all tagged entries of a cache are gone without it. A fence
 * outlives its lock by a day, and the clock makes up for its loss; a token that is lost takes its own entries with it.
 */
export const isHeld = (finalKey: string): boolean =>
  isReserved(finalKey) && !finalKey.startsWith(fences) && !finalKey.startsWith(tags)

/** The user key whose final key is the channel on which waiters for locks and permits are woken. */
export const wakeUpChannel = "wake-ups"
