/** What there is under the key of a session. */
import { Duration, Effect, Option } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import { liveValue } from "../kernel/entry.ts"
import type { Judge } from "../tags/Tags.ts"

export type Absence = "Missing" | "Ended"

export interface Found<A> {
  readonly data: A
  readonly expiresIn: Duration.Duration
}

/** A session as it stands in the cache. */
export interface Standing<A> extends Found<A> {
  readonly stored: Stored
}

/** `left`: milliseconds, `Infinity` = for ever. */
export const standingOf = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  stored: Stored,
  left: number,
  judge: Judge
): Effect.Effect<Standing<A> | Absence, ValueError, RD> =>
  Effect.map(
    liveValue(codec, entry, stored, judge),
    Option.match({
      // Its tags were invalidated. Or it is a claim by `getOrSet` on the same key: no session of ours.
      onNone: (): Absence => "Missing",
      onSome: (data): Standing<A> => ({ stored, data, expiresIn: Duration.millis(left) })
    })
  )
