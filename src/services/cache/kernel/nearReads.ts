/** What a read of the server that was kept says, in the terms of the operations. */
import { Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import type { ServerRead } from "../near/NearCache.ts"
import type { NearView } from "../near/NearView.ts"
import type { Judge } from "../tags/Tags.ts"
import { split } from "./batches.ts"
import { type Decoding, type Found, foundIn, valueOf } from "./entry.ts"
import { finalLength, windows } from "./readMany.ts"
import type { ValueSize } from "./ValueSize.ts"

/** The value for whoever asks now. */
export const liveRead = <A, RD, RE>(
  near: NearView<A, RD>,
  codec: ValueCodec<A, RD, RE>,
  name: EntryName,
  { kept, reply }: ServerRead,
  judge: Judge
): Effect.Effect<Option.Option<A>, ValueError, RD> =>
  // What was decoded to be kept is not decoded again.
  kept !== undefined && near.decoded(kept) !== undefined ? near.live(name, kept) : valueOf(codec, name, judge)(reply)

/** What the server says of many keys, in order, in as few writes as it takes. */
export const readManyNear = <A, RD>(
  near: NearView<A, RD>,
  valueSize: ValueSize,
  names: ReadonlyArray<EntryName>
): Effect.Effect<ReadonlyArray<ServerRead>, CommandError> =>
  Effect.suspend(() => {
    const readPart = (part: ReadonlyArray<EntryName>) =>
      Effect.tap(near.readAll(part.map(({ final }) => final)), (reads) =>
        Effect.sync(() => {
          const held = reads.filter(({ reply }) => reply !== null)
          valueSize.observe(
            held.length,
            held.reduce((sum, { reply }) => sum + (reply?.length ?? 0), 0)
          )
        })
      )
    const parts = split(names, finalLength, valueSize.perReply)
    const [only] = parts
    if (only !== undefined && parts.length === 1) return readPart(only)
    const readWindow = (window: ReadonlyArray<ReadonlyArray<EntryName>>) =>
      Effect.forEach(window, readPart, { concurrency: "unbounded" })
    return Effect.map(Effect.forEach(windows(parts), readWindow), (reads) => reads.flat(2))
  })

/** All of what the key holds, for who would replace it. */
export const foundRead = <A, RD, RE>(
  near: NearView<A, RD>,
  decoding: Decoding<A, RD, RE>,
  name: EntryName,
  { kept, reply }: ServerRead,
  judge: Judge
): Effect.Effect<Found<A> | undefined, CommandError, RD> => {
  const decoded = near.decoded(kept)
  return decoded === undefined || reply === null
    ? foundIn(decoding, name, judge)(reply)
    : Exit.succeed({ stored: reply, header: kept?.header, value: Option.some(decoded.value), isOutdated: false })
}

/** What the server said, in order. */
export const repliesOf = (reads: ReadonlyArray<ServerRead>): ReadonlyArray<Stored | null> =>
  reads.map(({ reply }) => reply)
