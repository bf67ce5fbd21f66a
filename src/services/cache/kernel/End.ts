/** How long a key lives. */
import { Clock, Effect, Exit } from "effect"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"

/** An instant by the server's clock, in milliseconds since 1970. */
export interface Until {
  readonly until: number
}

/** Milliseconds from now, or until an instant. */
export type End = number | Until

/** Beyond it there are no dates, in milliseconds since 1970. */
const lastInstant = 8.64e15

export const isInstant = (millis: number): boolean => Math.abs(millis) <= lastInstant

/** The end that `expireAt` names. */
export const endAt = (operation: string, instant: Date | number): Exit.Exit<End, CacheInputError> => {
  const millis = Math.ceil(Number(instant))
  if (millis === Infinity) return Exit.succeed(millis)
  if (!isInstant(millis)) return refused(operation, "expireAt is not a valid date")
  // Before 1970 the server knows no end; it was long ago.
  return Exit.succeed(millis <= 0 ? 0 : { until: millis })
}

/** In milliseconds from now, as this process knows it. An instant that seems over is so only if the server says it. */
export const remaining = (end: End): Effect.Effect<number> =>
  typeof end === "number"
    ? Exit.succeed(end)
    : Effect.map(Clock.currentTimeMillis, (now) => Math.max(1, Math.ceil(end.until - now)))

/** Later by so many milliseconds. */
export const later = (end: End, millis: number): End =>
  typeof end === "number" ? end + millis : { until: end.until + millis }
