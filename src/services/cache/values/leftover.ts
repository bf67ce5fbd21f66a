/** A value that is there and that nobody is given: stale, or invalidated by its tags. It counts as absent. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { type Header, isFramed, type Stored } from "../../../schema/frame.ts"
import type { EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isLive, isStored } from "../kernel/entry.ts"
import { type Lifetime, overSeen, perform } from "../kernel/overSeen.ts"

interface Context extends Pick<CacheContext<never, never, never>, "direct" | "readOptions" | "tags"> {
  readonly codec: Pick<ValueCodec<never>, "header">
}

/** All of a key's first byte that tells whether its value has a header. */
export const headArguments = (final: string): ReadonlyArray<string> => [final, "0", "0"]
export const isHeadOfFramed = (head: Reply): boolean => isStored(head) && isFramed(head)

export const isWrongType = (error: CommandError): boolean =>
  error._tag === "CacheServerError" && error.code === "WRONGTYPE"

/** What the key holds, where that counts as absent; undefined where it does not. */
export const leftoverIn = (
  { codec, direct, readOptions, tags }: Context,
  entry: EntryName
): Effect.Effect<{ readonly stored: Stored; readonly header: Header } | undefined, CommandError> =>
  direct.request(
    "GET",
    [entry.final],
    (stored) => {
      if (!isStored(stored) || !isFramed(stored)) return Exit.succeed(undefined)
      const read = codec.header(entry, stored)
      const header = Exit.isSuccess(read) ? read.value : undefined
      // A claim alone is no value yet, and whoever looks it up is about to store one.
      if (header === undefined || header.format === "") return Exit.succeed(undefined)
      return Effect.mapEager(isLive(header, tags.judge), (isLive) => (isLive ? undefined : { stored, header }))
    },
    readOptions
  )

/** Stores over what counts as absent, for whoever was told that the key exists. Whether it was done. */
export const overLeftover = (
  context: Context,
  entry: EntryName,
  encoded: Stored,
  lifetime: Lifetime
): Effect.Effect<boolean, CommandError> =>
  Effect.catchIf(
    context.direct.request("GETRANGE", headArguments(entry.final), (head) => {
      if (!isHeadOfFramed(head)) return Exit.succeed(false)
      return Effect.flatMap(leftoverIn(context, entry), (leftover) =>
        leftover === undefined
          ? Exit.succeed(false)
          : perform(context.direct, overSeen(entry.final, leftover, encoded, lifetime))
      )
    }),
    isWrongType,
    () => Exit.succeed(false)
  )
