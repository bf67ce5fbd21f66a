/** Edits of elements, which apply only if an element is still what the visitor saw. The lifetime of the key stays the same. */
import { Effect, Random } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import type { Stored } from "../../schema/frame.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type Element, elementForm, elementsOf, sizeCommand, type StructureType } from "../inspection/elements.ts"
import { shown } from "../inspection/replies.ts"
import { compareAndSet, type Outcome, type Step } from "./compareAndSet.ts"
import { EditRefused } from "./EditRefused.ts"
import { pattern, sealLike } from "./sealLike.ts"

export type ElementEdit =
  /** Another value at an index or in a field. */
  | { readonly _tag: "Set"; readonly name: Buffer; readonly mark: string; readonly json: string }
  | { readonly _tag: "Score"; readonly name: Buffer; readonly mark: string; readonly score: number }
  | { readonly _tag: "Remove"; readonly name: Buffer; readonly mark: string }
  /** Another element; `field` concerns hashes and streams, `score` sorted sets, `first` lists. */
  | {
      readonly _tag: "Add"
      readonly json: string
      readonly field: string
      readonly score: number
      readonly first: boolean
    }
  /** Keeps the first elements of a list, or the last of a stream, if the size is still what the visitor saw. */
  | { readonly _tag: "Trim"; readonly keep: number; readonly size: number }

/** A digest of what the visitor saw of an element. */
export const elementMark = ({ stored }: Pick<Element, "stored">): string => digest(stored)

/** Whether its value can be edited as JSON. */
export const isEditable = (type: StructureType, { stored }: Element): boolean =>
  type === "zset" || ((type === "list" || type === "hash") && elementForm(stored).said === "json")

const refuse = (reason: string) => new EditRefused({ reason })

/** A text that replaces an element of a list for the moment before its removal. It is random, so that no other element equals it. */
const makeTombstone = Effect.map(
  Random.nextIntBetween(0, 2 ** 48),
  (random) => `\u0001effect-vcache removes ${random.toString(36)}`
)

/** How an element is asked for and taken away; streams have commands of their own. */
interface Access {
  readonly read: (name: Buffer) => Step
  readonly remove: (name: Buffer, tombstone: string) => ReadonlyArray<Step>
}

const accesses: Readonly<Record<Exclude<StructureType, "stream">, Access>> = {
  list: {
    read: (index) => ["LINDEX", index],
    // No command removes the element at an index.
    remove: (index, tombstone) => [
      ["LSET", index, tombstone],
      ["LREM", 1, tombstone]
    ]
  },
  hash: { read: (field) => ["HGET", field], remove: (field) => [["HDEL", field]] },
  set: { read: (member) => ["SISMEMBER", member], remove: (member) => [["SREM", member]] },
  zset: { read: (member) => ["ZSCORE", member], remove: (member) => [["ZREM", member]] }
}

/** Applies the edit only if the element is what the visitor saw. Three round trips at most. */
export const editElement = (
  client: ValkeyClientShape,
  key: string,
  type: StructureType,
  edit: ElementEdit
): Effect.Effect<Outcome, CommandError | EditRefused> => {
  switch (edit._tag) {
    case "Add":
      return add(client, key, type, edit)
    case "Trim":
      if (type !== "list" && type !== "stream") return refuse("Only lists and streams can be trimmed.")
      return compareAndSet(client, key, {
        type,
        read: [sizeCommand(type)],
        expected: edit.size,
        writes: [type === "list" ? trimmed(edit.keep) : ["XTRIM", "MAXLEN", edit.keep]]
      })
    default:
      return type === "stream" ? ofStream(client, key, edit) : change(client, key, type, edit)
  }
}

/** LTRIM keeps from one index to another, and none of them where the second one is before the first. */
const trimmed = (keep: number): Step => (keep === 0 ? ["UNLINK"] : ["LTRIM", 0, keep - 1])

type Change = Extract<ElementEdit, { readonly mark: string }>

/** An entry of a stream never changes. */
const ofStream = (
  client: ValkeyClientShape,
  key: string,
  edit: Change
): Effect.Effect<Outcome, CommandError | EditRefused> =>
  edit._tag === "Remove"
    ? Effect.map(client.send("XDEL", [key, edit.name]), (count): Outcome => (count === 1 ? "done" : "gone"))
    : refuse("Entries of a stream cannot be changed.")

const change = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  key: string,
  type: Exclude<StructureType, "stream">,
  edit: Change
): Effect.fn.Return<Outcome, CommandError | EditRefused> {
  const { read, remove } = accesses[type]
  const [name, ...args] = read(edit.name)
  const reply = yield* client.send(name, [key, ...args], { reply: "buffer" })
  if (reply === null || reply === 0) return "gone"
  const seen = Buffer.isBuffer(reply) ? reply : Buffer.from(shown(reply))
  // A member of a set is what was seen if it is still there.
  const isSeen = type === "set" || elementMark({ stored: seen }) === edit.mark
  if (!isSeen) return "changed"
  const writes =
    edit._tag === "Remove" ? remove(edit.name, yield* makeTombstone) : [yield* replacement(type, seen, edit)]
  return yield* compareAndSet(client, key, { type, read: read(edit.name), expected: seen, writes })
})

const replacement = (
  type: StructureType,
  seen: Buffer,
  edit: Exclude<Change, { readonly _tag: "Remove" }>
): Effect.Effect<Step, EditRefused> => {
  if (edit._tag === "Score") {
    return type === "zset"
      ? Effect.succeed(["ZADD", edit.score, edit.name])
      : refuse("Only members of a sorted set have scores.")
  }
  if (type !== "list" && type !== "hash") return refuse("A member cannot be edited: remove it, and add another.")
  if (elementForm(seen).said !== "json")
    return refuse("It can only be viewed, because JSON cannot represent it exactly.")
  return Effect.map(sealLike(seen, edit.json), (stored): Step => [type === "list" ? "LSET" : "HSET", edit.name, stored])
}

/** Adds an element if the key still exists, and has no element of that name. */
const add = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  key: string,
  type: StructureType,
  { field, first, json, score }: Extract<ElementEdit, { readonly _tag: "Add" }>
): Effect.fn.Return<Outcome, CommandError | EditRefused> {
  const { elements } = yield* elementsOf(client, type, key, "")
  const like = pattern(elements.map(({ name, stored }) => (type === "set" || type === "zset" ? name : stored)))
  if (like === undefined && elements.length > 0) {
    return yield* refuse("Its elements cannot be decoded here, so no element can be added in their format.")
  }
  const stored = yield* sealLike(like ?? Buffer.of(), json)
  if ((type === "hash" || type === "stream") && !field.isWellFormed())
    return yield* refuse("A field must be well-formed text.")
  return yield* compareAndSet(client, key, { type, ...addition(type, stored, { field, first, score }) })
})

const addition = (
  type: StructureType,
  stored: Stored,
  { field, first, score }: { readonly field: string; readonly first: boolean; readonly score: number }
): { readonly read: Step; readonly expected: number | null; readonly writes: ReadonlyArray<Step> } => {
  switch (type) {
    case "list":
      return { read: ["EXISTS"], expected: 1, writes: [[first ? "LPUSH" : "RPUSH", stored]] }
    case "stream":
      return { read: ["EXISTS"], expected: 1, writes: [["XADD", "*", field, stored]] }
    case "set":
      return { read: ["SISMEMBER", stored], expected: 0, writes: [["SADD", stored]] }
    case "hash":
      return { read: ["HEXISTS", field], expected: 0, writes: [["HSET", field, stored]] }
    case "zset":
      return { read: ["ZSCORE", stored], expected: null, writes: [["ZADD", score, stored]] }
  }
}
