/** One look at the server for the tags of many values. */
import { Exit, type Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { bearsTags, type Stored } from "../../../schema/frame.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import { type Judge, type Tags, untagged } from "../tags/Tags.ts"

/** Sends nothing where none of them bears tags. */
export const judgeFor = <A, RD, RE>(
  { codec, tags }: { readonly codec: ValueCodec<A, RD, RE>; readonly tags: Tags },
  entries: ReadonlyArray<EntryName>,
  stored: ReadonlyArray<Stored | null>
): Effect.Effect<Judge, CommandError> => {
  let stamps: Array<TagStamp> | undefined
  for (let i = 0; i < stored.length; i++) {
    const one = stored[i]!
    if (one === null || !bearsTags(one)) continue
    const stamp = stampIn(codec, entries[i]!, one)
    if (stamp !== undefined) (stamps ??= []).push(stamp)
  }
  return stamps === undefined ? Exit.succeed(untagged) : tags.judgeOf(stamps)
}

/** What cannot be read is told of when it is decoded. */
export const stampIn = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  stored: Stored
): TagStamp | undefined => {
  const header = codec.header(entry, stored)
  return Exit.isSuccess(header) ? header.value?.tags : undefined
}
