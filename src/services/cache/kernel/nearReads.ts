/** What a read of the server that was kept says, in the terms of the operations. */
import { Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import { bearsTags } from "../../../schema/frame.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import type { ServerRead } from "../near/NearCache.ts"
import type { NearValue } from "../near/NearValue.ts"
import type { NearView } from "../near/NearView.ts"
import { type Judge, type TagJudges, untagged } from "../tags/Tags.ts"
import { split } from "./batches.ts"
import { type Decoding, type Found, foundIn, valueOf } from "./entry.ts"
import { stampIn } from "./judgeFor.ts"
import { finalLength, windows } from "./readMany.ts"
import type { ValueSize } from "./ValueSize.ts"

/** What was read from the server, or was near: the server was not asked then, and `reply` is undefined. */
export type NearRead = Pick<ServerRead, "kept" | "reply"> | { readonly kept: NearValue; readonly reply: undefined }

/** The value of what is near for whoever asks now. */
export const liveNear = <A, RD>(
  near: NearView<A, RD>,
  name: EntryName,
  kept: NearValue,
  judge: Judge
): Effect.Effect<Option.Option<A>, ValueError, RD> => {
  const stamp = kept.header?.tags
  if (stamp === undefined) return near.live(name, kept)
  return Effect.flatMapEager(judge(stamp), (verdict) =>
    verdict === "live" ? near.live(name, kept) : Effect.succeedNone
  )
}

/** The value for whoever asks now. */
export const liveRead = <A, RD, RE>(
  near: NearView<A, RD>,
  codec: ValueCodec<A, RD, RE>,
  name: EntryName,
  { kept, reply }: NearRead,
  judge: Judge
): Effect.Effect<Option.Option<A>, ValueError, RD> =>
  // What was decoded to be kept is not decoded again.
  kept !== undefined && (reply === undefined || near.decoded(kept) !== undefined)
    ? liveNear(near, name, kept, judge)
    : valueOf(codec, name, judge)(reply ?? null)

/** The judge of what was read of many keys. Sends nothing where none of it bears tags. */
export const judgeOfReads = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  tags: TagJudges,
  names: ReadonlyArray<EntryName>,
  reads: ReadonlyArray<NearRead>
): Effect.Effect<Judge, CommandError> => {
  let stamps: Array<TagStamp> | undefined
  for (let i = 0; i < reads.length; i++) {
    const { kept, reply } = reads[i]!
    const stamp =
      kept !== undefined
        ? kept.header?.tags
        : reply !== undefined && reply !== null && bearsTags(reply)
          ? stampIn(codec, names[i]!, reply)
          : undefined
    if (stamp !== undefined) (stamps ??= []).push(stamp)
  }
  return stamps === undefined ? Exit.succeed(untagged) : tags.judgeOf(stamps)
}

/** What the server says of many keys, in order, in as few writes as it takes. */
export const readManyNear = <A, RD>(
  near: NearView<A, RD>,
  valueSize: ValueSize,
  names: ReadonlyArray<EntryName>
): Effect.Effect<ReadonlyArray<ServerRead>, CommandError> =>
  Effect.suspend(() => {
    const readPart = (part: ReadonlyArray<EntryName>) =>
      Effect.tap(near.readAll(part), (reads) =>
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
  if (decoded === undefined || reply === null) return foundIn(decoding, name, judge)(reply)
  const found = {
    stored: reply,
    header: kept?.header,
    value: Option.some(decoded.value),
    isOutdated: false,
    isFailure: false
  }
  const stamp = kept?.header?.tags
  if (stamp === undefined) return Exit.succeed(found)
  return Effect.mapEager(judge(stamp), (verdict) =>
    verdict === "gone" ? { ...found, value: Option.none() } : { ...found, isOutdated: verdict === "stale" }
  )
}
