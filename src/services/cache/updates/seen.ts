/** What an update has read, and the command that replaces it. */
import { Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { Stored, Timing } from "../../../schema/frame.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { replaceSeenScript } from "../kernel/compareScripts.ts"
import { liveValue } from "../kernel/entry.ts"
import type { End } from "../kernel/End.ts"
import { replacing } from "../kernel/overSeen.ts"
import type { Judge } from "../tags/Tags.ts"
import * as replies from "../kernel/replies.ts"

export interface Seen<A> {
  /** All bytes under the key; undefined = no such key. */
  readonly stored: Buffer | undefined
  /** None where there is no value that `get` would give. */
  readonly value: Option.Option<A>
  /** When the value becomes stale, where it can. */
  readonly timing: Timing | undefined
  /** The tags that the value bears, as it does. */
  readonly tags: TagStamp | undefined
}

const nothing = Exit.succeed({ stored: undefined, value: Option.none(), timing: undefined, tags: undefined })

/** Of a reply in bytes. */
export const seenIn =
  <A, RD, RE>(codec: ValueCodec<A, RD, RE>, entry: EntryName, judge: Judge) =>
  (reply: Reply): Effect.Effect<Seen<A>, ValueError, RD> => {
    if (reply === null) return nothing
    if (!Buffer.isBuffer(reply)) return replies.unexpected(entry.operation)
    return Effect.flatMapEager(codec.header(entry, reply), (header) =>
      Effect.mapEager(liveValue(codec, entry, reply, judge, header), (value) => ({
        stored: reply,
        value,
        timing: header?.timing,
        tags: header?.tags
      }))
    )
  }

/**
 * Replaces what was seen, until `end`: 0 = it is deleted, undefined = it keeps its lifetime. Returns false where the key holds
 * something else. It sends a digest of what was seen, not the whole of it; the header would not do, because another value may have
 * the same one.
 */
export const replaceCommand = (
  client: ValkeyClientShape,
  final: string,
  seen: Buffer,
  value: Stored,
  end: End | undefined
): Effect.Effect<boolean, CommandError> =>
  Effect.flatMap(
    client.eval(replaceSeenScript, [final], replacing({ stored: seen, header: undefined }, value, end ?? "keep")),
    replies.flag("update")
  )
