/** Tags: forgetting by them, and looking at them. */
import { Effect, Exit, Option } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { attempt } from "../../../schema/codecFailures.ts"
import { refused } from "../../../schema/failures.ts"
import { isFramed } from "../../../schema/frame.ts"
import { namesRefusal, normalTags, tagsIn, tagsRefusal } from "../../../schema/TagStamp.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheTags } from "../../operations/CacheTags.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isLive, isStored } from "../kernel/entry.ts"
import * as replies from "../kernel/replies.ts"
import { snapshotOf } from "../tags/snapshots.ts"

const noTags = Exit.succeed(Option.some<ReadonlyArray<string>>([]))

export const tagOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheTags => {
  const { client, codec, defaults, finalKey, readOptions, tags, version } = context

  const tagsOfReply =
    (entry: EntryName) =>
    (reply: Reply): Effect.Effect<Option.Option<ReadonlyArray<string>>, ValueError> => {
      if (reply === null) return Effect.succeedNone
      if (!isStored(reply)) return replies.unexpected(entry.operation)
      if (!isFramed(reply)) return noTags
      return Effect.flatMapEager(codec.header(entry, reply), (header) => {
        if (header === undefined) return noTags
        if (header.format === "") return Effect.succeedNone
        const names = attempt(entry, "decode", "the tags", () =>
          header.tags === undefined ? [] : tagsIn(header.tags.names)
        )
        return Effect.flatMapEager(names, (names) =>
          Effect.mapEager(isLive(header, tags.judge), (isLive) => (isLive ? Option.some(names) : Option.none()))
        )
      })
    }

  return {
    invalidateTags: (names, { mode = "remove" } = {}) =>
      Effect.flatMapEager(version("invalidateTags"), () => {
        const reason = namesRefusal(names)
        if (reason !== undefined) return refused("invalidateTags", reason)
        if (mode !== "remove" && mode !== "stale") return refused("invalidateTags", "mode must be remove or stale")
        return tags.invalidate(normalTags(names), mode)
      }),
    tagSnapshot: (names) =>
      Effect.flatMapEager(version("tagSnapshot"), () => {
        const reason = tagsRefusal(names)
        if (reason !== undefined) return refused("tagSnapshot", reason)
        const all = normalTags(names)
        return Effect.map(tags.ensure(all, defaults.timeToLive), (records) => snapshotOf(all, records))
      }),
    tagsOf: (key, options) =>
      Effect.flatMapEager(finalKey("tagsOf", key, options), (final) =>
        client.request("GET", [final], tagsOfReply({ operation: "tagsOf", key, final }), readOptions)
      )
  }
}
