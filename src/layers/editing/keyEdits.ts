/** Edits of a whole key, which apply only if it still holds what the visitor saw. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import type { Stored } from "../../schema/frame.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { sizeCommand } from "../inspection/elements.ts"
import { type Entry, entryAt, type ReadBySchema } from "../inspection/Entry.ts"
import { compareAndSet, type Outcome, type Step } from "./compareAndSet.ts"
import { EditRefused } from "./EditRefused.ts"
import { sealLike } from "./sealLike.ts"

export type KeyEdit =
  /** Another value, as JSON. The lifetime stays, to the millisecond. */
  | { readonly _tag: "Value"; readonly json: string }
  /** The key lives for this many milliseconds from now on. */
  | { readonly _tag: "Lifetime"; readonly millis: number }
  | { readonly _tag: "Persist" }
  | { readonly _tag: "Delete" }

/**
 * A digest of what the visitor sees: SHA-256 of the stored bytes. For a structure, and for a value that is too long to be read, it
 * covers the type, the size and the beginning of the value.
 */
export const markOf = ({ content, size, type }: Entry): string => {
  if (content._tag === "Value") return digest(content.stored)
  return digest(`${type} ${size} ${content._tag === "TooLong" ? content.beginning : ""}`)
}

/** Why the key cannot be edited like this; undefined if it can. */
export const editRefusal = (entry: Entry, edit: KeyEdit["_tag"] | "Rename"): string | undefined => {
  const { content, type } = entry
  if (type === "unknown") return "Keys of this type cannot be edited here."
  if (edit === "Delete" || (edit !== "Value" && content._tag === "Elements")) return undefined
  if (content._tag !== "Value") return "It is too large to be read whole, so it can only be deleted."
  if (content.form.said === "not") return "It cannot be decoded here, so it can only be deleted."
  return edit === "Value" && content.form.said === "partly" ? "It can only be viewed here, and not edited." : undefined
}

/** The schema of the value under a key. */
export interface EntrySchema {
  readonly read: ReadBySchema
  /** Encodes JSON that the visitor has typed. */
  readonly write: (json: unknown, inPlaceOf: Buffer) => Effect.Effect<Stored, EditRefused>
}

/** Applies the edit only if `isSeen` accepts the `markOf` of what the key holds. Four round trips at most. */
export const editKey = (
  client: ValkeyClientShape,
  key: string,
  isSeen: (mark: string) => boolean,
  edit: KeyEdit,
  schema?: EntrySchema
): Effect.Effect<Outcome, CommandError | EditRefused> =>
  Effect.gen(function* () {
    const entry = yield* entryAt(client, key, "", schema?.read)
    if (entry === undefined) return "gone"
    if (!isSeen(markOf(entry))) return "changed"
    const reason = editRefusal(entry, edit._tag)
    if (reason !== undefined || entry.type === "unknown") return yield* new EditRefused({ reason: reason ?? "" })
    const { content, size, type } = entry
    const whole = content._tag === "Value"
    return yield* compareAndSet(client, key, {
      type,
      read: whole ? ["GET"] : [sizeCommand(type)],
      expected: whole ? content.stored : size,
      writes: [yield* stepOf(entry, edit, schema)]
    })
  })

const stepOf = (
  { content }: Entry,
  edit: KeyEdit,
  schema: EntrySchema | undefined
): Effect.Effect<Step, EditRefused> => {
  switch (edit._tag) {
    case "Delete":
      return Effect.succeed(["UNLINK"])
    case "Persist":
      return Effect.succeed(["PERSIST"])
    case "Lifetime":
      return Effect.succeed(["PEXPIRE", edit.millis])
    case "Value":
      return content._tag === "Value"
        ? Effect.map(sealLike(content.stored, edit.json, schema?.write), (stored): Step => ["SET", stored, "KEEPTTL"])
        : new EditRefused({ reason: "It is not a value." })
  }
}
