/** An entry of Next.js as the cache holds it, and the verdict on it by the invalidations since. */
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

/** The invalidations of some tags, as the server knows them. */
export type Known = (typeof readInvalidations)["result"]["Type"]

/** `live`: no tag was invalidated. `stale`: served while it is made anew. `gone`: a miss. */
export type Verdict = "live" | "stale" | "gone"

/** The strictest verdict by all these invalidations. One at the instant of the entry's birth counts, because it may have come after it. */
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
