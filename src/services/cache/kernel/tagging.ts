/** The tags that a value is going to bear. */
import { Effect, Exit } from "effect"
import type { CacheInputError, CommandError } from "../../../schema/CacheError.ts"
import { refused, tryAgain } from "../../../schema/failures.ts"
import { normalTags, tagsRefusal, type TagStamp } from "../../../schema/TagStamp.ts"
import type { TagOptions } from "../../operations/TagOptions.ts"
import { recordsOf } from "../tags/snapshots.ts"
import { stampOf, type TagRecords } from "../tags/TagRecords.ts"
import type { CacheContext } from "./context.ts"
import { type End, remaining } from "./End.ts"

type Context = Pick<CacheContext<never, never, never>, "client" | "defaults" | "direct" | "tags">

const none = Exit.succeed(undefined)

/** The names in their normal order; undefined where there are none. */
export const namesOf = (
  operation: string,
  tags: unknown,
  since: unknown
): Exit.Exit<ReadonlyArray<string> | undefined, CacheInputError> => {
  if (tags === undefined)
    return since === undefined ? none : refused(operation, "the option since needs the option tags")
  const reason = tagsRefusal(tags)
  if (reason !== undefined) return refused(operation, reason)
  const names = normalTags(tags as ReadonlyArray<string>)
  return names.length === 0 ? none : Exit.succeed(names)
}

/** The records that values with these tags are stored by. Asks the server unless a snapshot says all, and there is but one step. */
export const recordsFor = (
  { client, defaults, direct, tags }: Context,
  operation: string,
  names: ReadonlyArray<string>,
  since: TagOptions["since"],
  lifetime: number | undefined
): Effect.Effect<TagRecords, CommandError> => {
  const missing = since === undefined ? undefined : names.find((name) => !since.tokens.has(name))
  if (missing !== undefined) return refused(operation, "since must be a tagSnapshot of all the tags")
  if (client !== direct) {
    return since === undefined
      ? refused(
          operation,
          "in a pipeline or transaction, the option tags needs since: a tagSnapshot that was taken before"
        )
      : Exit.succeed(recordsOf(since))
  }
  // Where a key keeps its lifetime nobody knows how long that is; the entry ends with its tags' records then.
  const now = tags.ensure(names, lifetime ?? defaults.timeToLive)
  return since === undefined ? now : Effect.as(now, recordsOf(since))
}

/** Of the records that were read. */
export const stampIn = (
  operation: string,
  names: ReadonlyArray<string>,
  records: TagRecords
): Exit.Exit<TagStamp, CommandError> => {
  const stamp = stampOf(names, records)
  return stamp === undefined ? Exit.fail(moved(operation)) : Exit.succeed(stamp)
}

/** For how long: undefined = the lifetime that the key has. */
export const stampFor = (
  context: Context,
  operation: string,
  options: TagOptions | undefined,
  end: End | undefined
): Effect.Effect<TagStamp | undefined, CommandError> => {
  if (options?.tags === undefined && options?.since === undefined) return none
  return Effect.flatMapEager(namesOf(operation, options.tags, options.since), (names) =>
    // What is stored for no time is not stored.
    names === undefined || end === 0
      ? none
      : Effect.flatMapEager(end === undefined ? none : remaining(end), (lifetime) =>
          Effect.flatMapEager(recordsFor(context, operation, names, options.since, lifetime), (records) =>
            stampIn(operation, names, records)
          )
        )
  )
}

const moved = (operation: string) =>
  tryAgain(operation, "the records of the tags were lost, or moved to another server, while they were read")
