/** Checking durations. */
import { type Duration, Exit } from "effect"
import { refused } from "../../../schema/failures.ts"
import { toMillis } from "../../../schema/timeToLive.ts"

/** Milliseconds of a duration that ends. */
export const finiteMillis = (operation: string, name: string, duration: Duration.Input) => {
  const millis = toMillis(duration)
  return millis === undefined || millis === Infinity
    ? refused(operation, `${name} is not a duration`)
    : Exit.succeed(millis)
}
