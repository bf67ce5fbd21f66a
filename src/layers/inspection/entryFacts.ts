/** The facts about a stored value, besides the value itself. */
import type { StoredForm } from "./storedForm.ts"
import { lifetime } from "./words.ts"

/** A term, and what it says of the value. */
export type Fact = readonly [term: "Format" | "Holds" | "Fresh" | "Marked" | "Tags" | "Claim", words: string]

export const valueFacts = (
  { claimedUntil, format, isFailure, isMarkedStale, tags, timing }: StoredForm,
  now: number
): ReadonlyArray<Fact> => {
  const facts: Array<Fact> = [["Format", format]]
  if (timing !== undefined) {
    const left = timing.freshUntil - now
    facts.push(["Fresh", left > 0 ? `fresh for ${lifetime(left)}` : `stale since ${lifetime(-left)}`])
  }
  if (isFailure) facts.push(["Holds", "what a lookup failed with"])
  if (isMarkedStale) facts.push(["Marked", "marked stale before its time"])
  if (tags.length > 0) facts.push(["Tags", tags.join(", ")])
  if (claimedUntil !== undefined) {
    facts.push(["Claim", claimedUntil > now ? "a process looks it up" : "the claim of a lookup has ended"])
  }
  return facts
}
