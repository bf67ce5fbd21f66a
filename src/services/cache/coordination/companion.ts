/** Keys beside a key: in its slot of a cluster, and behind the same prefix. */
import { Exit } from "effect"
import { refused } from "../../../schema/failures.ts"

/** What decides the slot, where it is not the whole key. */
const hashTag = /^[^{]*\{([^}]+)\}/

export const companion = (operation: string, final: string, name: string) => {
  if (hashTag.test(final)) return Exit.succeed(`${final}:${name}`)
  return /[{}]/.test(final)
    ? refused(operation, "in the key of a lock or semaphore, braces must enclose a hash tag")
    : Exit.succeed(`${final}:{${final}}:${name}`)
}
