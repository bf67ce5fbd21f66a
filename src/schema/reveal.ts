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

/** Secrets may be given as plain text, and are hidden from here on. */
export const redacted = (secret: string | Redacted.Redacted | undefined): Redacted.Redacted | undefined =>
  typeof secret === "string" ? Redacted.make(secret) : secret
