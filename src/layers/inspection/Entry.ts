/** One key of a server, as it lies there. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type Command, isKeyType, type KeyType, type Reply } from "../../schema/Command.ts"
import { utf8Text } from "../../schema/utf8Text.ts"
import type { PipelineResults, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { storedForm, type StoredForm } from "./storedForm.ts"

/** A key, as text or as the bytes of one that is no text. */
export type KeyName = string | Buffer

export interface Entry {
  readonly type: KeyType | "unknown"
  /** Milliseconds; −1 = for ever. */
  readonly pttl: number
  /** Bytes of a string; elements of everything else. */
  readonly size: number
  readonly content:
    | { readonly _tag: "Value"; readonly form: StoredForm }
    /** The value is longer than what is read of it; this is its beginning, in hex. */
    | { readonly _tag: "TooLong"; readonly beginning: string }
    /** The first of its elements, at most 100. */
    | {
        readonly _tag: "Elements"
        readonly columns: ReadonlyArray<string>
        readonly rows: ReadonlyArray<ReadonlyArray<string>>
      }
}

/** Bytes of a value that are read whole. */
export const mostBytes = 1024 * 1024
const mostElements = 100

interface Kind {
  readonly size: string
  readonly columns: ReadonlyArray<string>
  readonly first: (key: KeyName) => Command
  readonly rows: (reply: Reply) => ReadonlyArray<ReadonlyArray<string>>
}

const command = (name: string, ...args: Command["args"]): Command => ({ name, args, reply: "buffer" })

const list = (reply: Reply | undefined): ReadonlyArray<Reply> => (Array.isArray(reply) ? reply : [])

/** Text, or hex of what is none. */
export const shown = (reply: Reply | undefined): string => {
  if (!Buffer.isBuffer(reply)) return reply === undefined || reply === null ? "" : String(reply)
  return utf8Text(reply) ?? `0x${reply.toString("hex")}`
}

/** An element of a structure is a stored value, too. */
const element = (reply: Reply | undefined): string => {
  if (!Buffer.isBuffer(reply)) return shown(reply)
  const { shownAs, text } = storedForm(reply, "")
  return shownAs === "hex" ? `0x${text}` : text
}

const pairs = <A>(
  flat: ReadonlyArray<Reply>,
  row: (a: Reply | undefined, b: Reply | undefined) => A
): ReadonlyArray<A> => flat.flatMap((first, at) => (at % 2 === 0 ? [row(first, flat[at + 1])] : []))

const kinds: Readonly<Record<Exclude<KeyType, "string">, Kind>> = {
  list: {
    size: "LLEN",
    columns: ["index", "value"],
    first: (key) => command("LRANGE", key, 0, mostElements - 1),
    rows: (reply) => list(reply).map((value, index) => [String(index), element(value)])
  },
  set: {
    size: "SCARD",
    columns: ["member"],
    first: (key) => command("SSCAN", key, 0, "COUNT", mostElements),
    rows: (reply) => list(list(reply)[1]).map((member) => [element(member)])
  },
  hash: {
    size: "HLEN",
    columns: ["field", "value"],
    first: (key) => command("HSCAN", key, 0, "COUNT", mostElements),
    rows: (reply) => pairs(list(list(reply)[1]), (field, value) => [shown(field), element(value)])
  },
  zset: {
    size: "ZCARD",
    columns: ["score", "member"],
    first: (key) => command("ZRANGE", key, 0, mostElements - 1, "WITHSCORES"),
    rows: (reply) => pairs(list(reply), (member, score) => [shown(score), element(member)])
  },
  stream: {
    size: "XLEN",
    columns: ["id", "fields"],
    first: (key) => command("XRANGE", key, "-", "+", "COUNT", mostElements),
    rows: (reply) =>
      list(reply).map((entry) => [
        shown(list(entry)[0]),
        pairs(list(list(entry)[1]), (field, value) => `${shown(field)}: ${element(value)}`).join("\n")
      ])
  }
}

/** The reply of one command of a pipeline, or its failure. */
const at = (results: PipelineResults, index: number): Effect.Effect<Reply, CommandError> =>
  Effect.fromResult(results[index] ?? Result.succeed(null))

/**
 * The key, its lifetime and what it holds; undefined where there is no such key. It costs two or three round trips, and
 * reads at most 1 MiB of a value or 100 elements of a structure.
 */
export const entryAt = (client: ValkeyClientShape, key: KeyName): Effect.Effect<Entry | undefined, CommandError> =>
  Effect.gen(function* () {
    const facts = yield* client.pipeline([command("TYPE", key), command("PTTL", key)])
    const type = shown(yield* at(facts, 0))
    const pttl = Number(yield* at(facts, 1))
    if (type === "none" || pttl === -2) return undefined
    if (!isKeyType(type)) return { type: "unknown", pttl, size: 0, content: { _tag: "TooLong", beginning: "" } }
    if (type === "string") return yield* stringAt(client, key, pttl)
    const { columns, first, rows, size } = kinds[type]
    const found = yield* client.pipeline([command(size, key), first(key)])
    const elements = rows(yield* at(found, 1)).slice(0, mostElements)
    return { type, pttl, size: Number(yield* at(found, 0)), content: { _tag: "Elements", columns, rows: elements } }
  })

const stringAt = Effect.fnUntraced(function* (client: ValkeyClientShape, key: KeyName, pttl: number) {
  const size = Number(yield* client.send("STRLEN", [key]))
  const long = size > mostBytes
  const stored = yield* client.send(long ? "GETRANGE" : "GET", long ? [key, 0, 1023] : [key], { reply: "buffer" })
  // It has ended in between.
  if (!Buffer.isBuffer(stored)) return undefined
  const content: Entry["content"] = long
    ? { _tag: "TooLong", beginning: stored.toString("hex") }
    : { _tag: "Value", form: storedForm(stored, shown(key)) }
  return { type: "string" as const, pttl, size, content } satisfies Entry
})
