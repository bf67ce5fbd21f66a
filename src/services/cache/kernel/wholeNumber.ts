/** Checking numbers. */
import { Exit } from "effect"
import { refused } from "../../../schema/failures.ts"

/** A whole number that the server takes as it is. */
export const wholeNumber = (operation: string, name: string, value: number, least = -Infinity) =>
  Number.isSafeInteger(value) && value >= least
    ? Exit.succeed(value)
    : refused(operation, `${name} must be a whole number${least === -Infinity ? "" : `, ${least} or more`}`)
