/** One look at the server for the tags of many values. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { bearsTags, type Header, type Stored } from "../../../schema/frame.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import { type Judge, type TagJudges, untagged } from "../tags/Tags.ts"

/** The judge of what was read, and the headers that were read for it: those of values with tags, in their places. */
export interface Judged {
  readonly judge: Judge
  readonly headers: ReadonlyArray<Header | undefined>
}

const nothing: Exit.Exit<Judged> = Exit.succeed({ judge: untagged, headers: [] })

/** Sends nothing where none of them bears tags. */
export const judgeFor = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  tags: TagJudges,
  entries: ReadonlyArray<EntryName>,
  stored: ReadonlyArray<Stored | null>
): Effect.Effect<Judged, CommandError> => {
  let headers: Array<Header | undefined> | undefined
  const stamps: Array<TagStamp> = []
  for (let i = 0; i < stored.length; i++) {
    const one = stored[i]!
    const header = one !== null && bearsTags(one) ? headerOf(codec, entries[i]!, one) : undefined
    if (header?.tags === undefined) continue
    headers ??= Array.from(stored, () => undefined)
    headers[i] = header
    stamps.push(header.tags)
  }
  if (headers === undefined) return nothing
  const found = headers
  return Effect.mapEager(tags.judgeOf(stamps), (judge) => ({ judge, headers: found }))
}

/** What cannot be read is told of when it is decoded. */
const headerOf = <A, RD, RE>(codec: ValueCodec<A, RD, RE>, entry: EntryName, stored: Stored): Header | undefined => {
  const header = codec.header(entry, stored)
  return Exit.isSuccess(header) ? header.value : undefined
}

export const stampIn = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  stored: Stored
): TagStamp | undefined => headerOf(codec, entry, stored)?.tags
