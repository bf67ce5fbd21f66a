/** What the cache holds of an entry of Next.js, and what it is by what was invalidated since. */
import { Schema } from "effect"
import type { readInvalidations } from "./invalidationScripts.ts"

/** An entry with its bytes. */
export const StoredEntry = Schema.Struct({
  /** Another form than this is a miss. */
  _tag: Schema.tag("NextEntry/1"),
  /** The history of the server that has the record of invalidations: another one may have forgotten some. */
  era: Schema.String,
  /** When its making began, by that server's clock or earlier. Milliseconds since 1970. */
  bornAt: Schema.Finite,
  tags: Schema.Array(Schema.String),
  /** Seconds, as Next.js gives them. */
  stale: Schema.Number,
  expire: Schema.Number,
  revalidate: Schema.Number,
  value: Schema.Uint8Array
})
export type StoredEntry = typeof StoredEntry.Type

/** What is known of the invalidations of some tags. */
export type Known = (typeof readInvalidations)["result"]["Type"]

/** As it was made, invalidated but to be served while it is made anew, or not there at all. */
export type Verdict = "live" | "stale" | "gone"

/** By all that is known. What was invalidated at the instant of its birth may have been so afterwards. */
export const judge = (
  { bornAt, era }: Pick<StoredEntry, "bornAt" | "era">,
  ...known: ReadonlyArray<Known>
): Verdict => {
  const byTag = ([, now, , fields]: Known) =>
    fields.map((field): Verdict => {
      const [removed = "", stale = "", until = ""] = field.split(":")
      if (removed !== "" && bornAt <= Number(removed)) return "gone"
      if (stale === "" || bornAt > Number(stale)) return "live"
      return until !== "" && Number(until) <= now ? "gone" : "stale"
    })
  if (known.some(([eraNow, , floor]) => era !== eraNow || bornAt <= floor)) return "gone"
  const verdicts = new Set(known.flatMap(byTag))
  return verdicts.has("gone") ? "gone" : verdicts.has("stale") ? "stale" : "live"
}
