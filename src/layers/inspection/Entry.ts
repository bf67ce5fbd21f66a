/** One key as the server stores it. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { isKeyType, type KeyType, type Reply } from "../../schema/Command.ts"
import type { PipelineResults, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type Elements, elementsOf, type KeyName } from "./elements.ts"
import { command, shown } from "./replies.ts"
import { needsSchema, storedForm, type StoredForm } from "./storedForm.ts"

export interface Entry {
  readonly type: KeyType | "unknown"
  /** Milliseconds; −1 = for ever. */
  readonly pttl: number
  /** Bytes of a string; elements of everything else. */
  readonly size: number
  readonly content:
    | { readonly _tag: "Value"; readonly form: StoredForm; readonly stored: Buffer }
    /** The value is too long to be read whole, or of an unknown type. `beginning` is in hex. */
    | { readonly _tag: "TooLong"; readonly beginning: string }
    /** A page of its elements. */
    | ({ readonly _tag: "Elements" } & Elements)
}

/** Decodes a value that needs a schema. */
export type ReadBySchema = (stored: Buffer, form: StoredForm) => Effect.Effect<StoredForm>

/** A value of at most this many bytes is read whole. */
export const mostBytes = 1024 * 1024

/** The reply of one command of a pipeline, or its failure. */
const at = (results: PipelineResults, index: number): Effect.Effect<Reply, CommandError> =>
  Effect.fromResult(results[index] ?? Result.succeed(null))

/**
 * The type, the lifetime and the content of a key; undefined if the key does not exist. It costs two or three round trips, and reads
 * at most 1 MiB of a value or 100 elements of a structure. `from` is the `next` of an earlier page. Default: the first page.
 */
export const entryAt = (
  client: ValkeyClientShape,
  key: KeyName,
  from = "",
  bySchema?: ReadBySchema
): Effect.Effect<Entry | undefined, CommandError> =>
  Effect.gen(function* () {
    const facts = yield* client.pipeline([command("TYPE", key), command("PTTL", key)])
    const type = shown(yield* at(facts, 0))
    const pttl = Number(yield* at(facts, 1))
    if (type === "none" || pttl === -2) return undefined
    if (!isKeyType(type)) return { type: "unknown", pttl, size: 0, content: { _tag: "TooLong", beginning: "" } }
    if (type === "string") return yield* stringAt(client, key, pttl, bySchema)
    const { size, ...page } = yield* elementsOf(client, type, key, from)
    return { type, pttl, size, content: { _tag: "Elements", ...page } }
  })

const stringAt = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  key: KeyName,
  pttl: number,
  bySchema: ReadBySchema | undefined
) {
  const size = Number(yield* client.send("STRLEN", [key]))
  const long = size > mostBytes
  const stored = yield* client.send(long ? "GETRANGE" : "GET", long ? [key, 0, 1023] : [key], { reply: "buffer" })
  // The key has expired in between.
  if (!Buffer.isBuffer(stored)) return undefined
  if (long) {
    const content = { _tag: "TooLong", beginning: stored.toString("hex") } as const
    return { type: "string" as const, pttl, size, content } satisfies Entry
  }
  const form = storedForm(stored, shown(key))
  const known = bySchema !== undefined && needsSchema(form) ? yield* bySchema(stored, form) : form
  const content = { _tag: "Value", form: known, stored } as const
  return { type: "string" as const, pttl, size, content } satisfies Entry
})
