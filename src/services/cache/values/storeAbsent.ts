/** All values of a batch or none: where one of their keys is there, nothing is stored. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isUnreadable, lifetimeText, replacing, type Seen } from "../kernel/overSeen.ts"
import * as replies from "../kernel/replies.ts"
import { isWrongType, leftoverIn } from "./leftover.ts"
import { setAbsentScript } from "./setAbsentScript.ts"

export interface AbsentStore {
  readonly entry: EntryName
  readonly encoded: Stored
  /** Milliseconds; 0 = it is not stored. */
  readonly millis: number
}

const operation = "setMany"

/** The user keys that were there; what counts as absent is looked at where the server says that a key exists. */
export const storeAbsent = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  stores: ReadonlyArray<AbsentStore>
): Effect.Effect<ReadonlyArray<string>, CommandError> => {
  const { client } = context
  if (stores.length === 0) return Effect.succeed([])

  /** The places of the keys that are there, where these do not count. */
  const attempt = (leftovers: ReadonlyMap<number, Seen | undefined>) =>
    Effect.flatMap(
      client.eval(
        setAbsentScript,
        stores.map(({ entry }) => entry.final),
        stores.flatMap(({ encoded, millis }, i) => {
          const leftover = leftovers.get(i)
          return leftover === undefined
            ? ["", "", "", encoded, lifetimeText(millis)]
            : replacing(leftover, encoded, millis)
        })
      ),
      placesIn(stores.length)
    )
  const keysAt = (places: ReadonlyArray<number>) => places.map((place) => stores[place]!.entry.key)

  return Effect.flatMap(attempt(new Map()), (there) => {
    if (there.length === 0) return Effect.succeed([])
    const looks = Effect.forEach(
      there,
      (place) => Effect.map(leftoverAt(context, stores[place]!.entry), (leftover) => [place, leftover] as const),
      { concurrency: "unbounded" }
    )
    return Effect.flatMap(looks, (looks) => {
      const leftovers = new Map(looks)
      const live = there.filter((place) => leftovers.get(place) === undefined)
      return live.length > 0 ? Effect.succeed(keysAt(live)) : Effect.map(attempt(leftovers), keysAt)
    })
  })
}

const leftoverAt = <A, RD, RE>(context: CacheContext<A, RD, RE>, entry: EntryName) =>
  Effect.map(
    Effect.catchIf(leftoverIn(context, entry), isWrongType, () => Effect.succeed(undefined)),
    (leftover) => (leftover === undefined || isUnreadable(leftover) ? undefined : leftover)
  )

const placesIn =
  (length: number) =>
  (reply: Reply): Effect.Effect<ReadonlyArray<number>, CommandError> => {
    const isPlace = (place: Reply): place is number => typeof place === "number" && place >= 0 && place < length
    return Array.isArray(reply) && reply.every(isPlace) ? Effect.succeed(reply) : replies.unexpected(operation)
  }
