/** The keys of locks and semaphores: beside those of values, and all of one lock in one slot of a cluster. */
import { Exit } from "effect"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import { reservedKey, type ReservedKind } from "../../../schema/reservedKeys.ts"

/** The hash tag, which decides the slot in place of the whole key. */
const hashTag = /^[^{]*\{([^}]+)\}/

export const coordinationKeys = (
  operation: string,
  final: string
): Exit.Exit<(kind: ReservedKind) => string, CacheInputError> => {
  const isTagged = hashTag.test(final)
  if (!isTagged && /[{}]/.test(final)) {
    return refused(operation, "in the key of a lock or semaphore, braces must enclose a hash tag")
  }
  // No key with a tag of its own looks like one that is made a tag here.
  const place = isTagged ? `:${final}` : `{${final}}`
  return Exit.succeed((kind) => reservedKey(kind, place))
}
