/** Secrets that a program hands over, and may wipe at any time. */
import { Redacted } from "effect"

/** Undefined where it was wiped. Effect's own reading throws then. */
export const reveal = <A>(secret: Redacted.Redacted<A>): A | undefined => {
  try {
    return Redacted.value(secret)
  } catch {
    return undefined
  }
}
