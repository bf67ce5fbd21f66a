/** What streams answer, checked. */
import { Effect, Exit, Option } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { StreamEntry } from "../../operations/structures/StreamEntry.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { countAll } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { fieldEntry, isStored, valueOf } from "../kernel/entry.ts"
import * as replies from "../kernel/replies.ts"

/** A page of entries, and the id of the last one: of entries that are deleted nothing else is told. */
export interface Page<A> {
  readonly entries: ReadonlyArray<StreamEntry<A>>
  readonly lastId: string | undefined
}

export const decodePage = <A, RD, RE>(
  { codec }: CacheContext<A, RD, RE>,
  entry: EntryName,
  reply: Reply | undefined
): Effect.Effect<Page<A>, ValueError, RD> => {
  if (reply === null) return Effect.succeed({ entries: [], lastId: undefined })
  if (!Array.isArray(reply)) return replies.unexpected(entry.operation)
  let lastId: string | undefined
  const decodeOne = (item: Reply): Effect.Effect<ReadonlyArray<StreamEntry<A>>, ValueError, RD> => {
    if (!Array.isArray(item) || item.length !== 2 || !isStored(item[0])) return replies.unexpected(entry.operation)
    const id = String(item[0])
    lastId = id
    const fields: Reply = item[1]
    if (fields === null) return Effect.succeed([])
    if (!Array.isArray(fields) || fields.length % 2 !== 0) return replies.unexpected(entry.operation)
    const names = fields.filter((_, i) => i % 2 === 0).map(String)
    const decoded = Effect.forEach(names, (name, i) =>
      Effect.map(
        valueOf(codec, fieldEntry(entry, "stream", name))(fields[i * 2 + 1] ?? null),
        (value) => [name, value] as const
      )
    )
    return Effect.map(decoded, (pairs) => [
      { id, fields: new Map(pairs.flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))) }
    ])
  }
  return Effect.map(Effect.forEach(reply, decodeOne), (entries) => ({ entries: entries.flat(), lastId }))
}

/** XREAD and XREADGROUP of one key: `[[key, entries]]`, or null. */
export const decodeRead = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  entry: EntryName,
  reply: Reply
): Effect.Effect<Page<A>, ValueError, RD> => {
  if (reply === null) return decodePage(context, entry, null)
  const [first] = Array.isArray(reply) ? reply : []
  return Array.isArray(first) ? decodePage(context, entry, first[1]) : replies.unexpected(entry.operation)
}

const entryId = /^\d{1,20}(-\d{1,20})?$/
const boundary = /^(?:[-+]|\(?\d{1,20}(-\d{1,20})?)$/

/** An id of an entry, or one of the words that stand for one here. */
export const checkedId = (operation: string, id: string, ...words: ReadonlyArray<string>) =>
  entryId.test(id) || words.includes(id)
    ? Exit.succeed(id)
    : refused(operation, "the id must be that of an entry, such as 1-1")

/** How many of these entries a command was true for. */
export const countIds = (
  client: ValkeyClientShape,
  operation: string,
  command: "XACK" | "XDEL",
  head: ReadonlyArray<Arg>,
  ids: ReadonlyArray<string>
) =>
  Effect.flatMap(
    Effect.forEach(ids, (id) => checkedId(operation, id)),
    (all) =>
      countAll(
        client,
        operation,
        command,
        head,
        all.map((id) => [id])
      )
  )

export const checkedBoundary = (operation: string, id: string) =>
  boundary.test(id) ? Exit.succeed(id) : refused(operation, "a boundary must be -, +, an id, or ( followed by an id")

/** Of a group or a consumer. */
export const checkedName = (operation: string, name: string) =>
  typeof name === "string" && name !== "" && name.isWellFormed()
    ? Exit.succeed(name)
    : refused(operation, "the name of a group or consumer must be well-formed text, and not empty")
