/** Tags: forgetting by them, and looking at them. */
import { Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { attempt } from "../../../schema/codecFailures.ts"
import { refused } from "../../../schema/failures.ts"
import { isFramed } from "../../../schema/frame.ts"
import { namesRefusal, normalTags, tagsIn, tagsRefusal } from "../../../schema/TagStamp.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import { CacheReplicationError } from "../../../schema/CacheReplicationError.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type {
  CacheTags,
  InvalidateTags,
  InvalidateTagsOptions,
  ReplicatedInvalidationOptions
} from "../../operations/CacheTags.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isLive, isStored } from "../kernel/entry.ts"
import * as replies from "../kernel/replies.ts"
import { snapshotOf } from "../tags/snapshots.ts"

/** As policies see them. */
export interface TagOperations extends Omit<CacheTags, "invalidateTags"> {
  /** How many replicas have acknowledged it, where they were asked; else `Infinity`. */
  readonly invalidateTags: (
    tags: ReadonlyArray<string>,
    options?: InvalidateTagsOptions | ReplicatedInvalidationOptions
  ) => Effect.Effect<number, CommandError>
}

/** Fails where fewer replicas have acknowledged it than were asked for: nothing that a policy has to know. */
export const replicated = (invalidate: TagOperations["invalidateTags"]): InvalidateTags => {
  function invalidateTags(
    tags: ReadonlyArray<string>,
    options: ReplicatedInvalidationOptions
  ): Effect.Effect<void, CommandError | CacheReplicationError>
  function invalidateTags(
    tags: ReadonlyArray<string>,
    options?: InvalidateTagsOptions
  ): Effect.Effect<void, CommandError>
  function invalidateTags(
    tags: ReadonlyArray<string>,
    options: InvalidateTagsOptions | ReplicatedInvalidationOptions = {}
  ): Effect.Effect<void, CommandError | CacheReplicationError> {
    const { replicas = 0 } = options
    return Effect.flatMap(invalidate(tags, options), (acknowledged) =>
      acknowledged >= replicas
        ? Exit.void
        : Exit.fail(new CacheReplicationError({ operation: "invalidateTags", replicas, acknowledged }))
    )
  }
  return invalidateTags
}

const noTags = Exit.succeed(Option.some<ReadonlyArray<string>>([]))

export const tagOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): TagOperations => {
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
    invalidateTags: (names, { mode = "remove", ...wanted } = {}) =>
      Effect.flatMapEager(version("invalidateTags"), () => {
        const reason = namesRefusal(names)
        if (reason !== undefined) return refused("invalidateTags", reason)
        if (mode !== "remove" && mode !== "stale") return refused("invalidateTags", "mode must be remove or stale")
        const all = normalTags(names)
        if (wanted.replicas === undefined) return Effect.as(tags.invalidate(all, mode), Infinity)
        const { replicas, waitFor = "1 second" } = wanted
        const millis = toMillis(waitFor)
        if (!Number.isSafeInteger(replicas) || replicas < 1) {
          return refused("invalidateTags", "replicas must be a positive integer")
        }
        // WAIT takes zero for as long as it takes.
        if (millis === undefined || millis === 0 || millis === Infinity) {
          return refused("invalidateTags", "waitFor must be a positive and finite duration")
        }
        return tags.invalidateReplicated(all, mode, replicas, Math.ceil(millis))
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
