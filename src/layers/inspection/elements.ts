/** The elements of a structure, a hundred at a time. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command, KeyType, Reply } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { command, list, pairs, shown } from "./replies.ts"
import { storedForm, type StoredForm } from "./storedForm.ts"

/** A key, as text or as the bytes of one that is no text. */
export type KeyName = string | Buffer

export type StructureType = Exclude<KeyType, "string">

/** One element as the server stores it. */
export interface Element {
  /** The text of each column. */
  readonly cells: ReadonlyArray<string>
  /** The name in the structure: index, member, field, or id of a stream's entry. */
  readonly name: Buffer
  /** The stored bytes: the value in a list or a hash, the score in a sorted set, the value of the first field in a stream. Empty in sets. */
  readonly stored: Buffer
}

/** Elements in the server's order. */
export interface Elements {
  readonly columns: ReadonlyArray<string>
  readonly elements: ReadonlyArray<Element>
  /** Where the next page begins; undefined where there is none. */
  readonly next: string | undefined
}

/** Elements of one page at most. */
export const mostElements = 100

/** Decodes an element, which is a stored value, too. */
export const elementForm = (stored: Buffer): StoredForm => storedForm(stored, "")

const said = (stored: Buffer): string => {
  const { shownAs, text } = elementForm(stored)
  return shownAs === "hex" ? `0x${text}` : text
}

const bytes = (reply: Reply | undefined): Buffer => (Buffer.isBuffer(reply) ? reply : Buffer.from(shown(reply)))
const none = Buffer.of()

/** How the elements of one type are read in pages: by rank, by cursor, or by id. */
interface Kind {
  /** The command that counts them. */
  readonly size: string
  readonly columns: ReadonlyArray<string>
  readonly read: (key: KeyName, from: string) => Command
  readonly page: (reply: Reply, from: string) => Omit<Elements, "columns">
}

/** By rank: the next page begins where this one ends. */
const ranked =
  (elements: (reply: Reply, start: number) => ReadonlyArray<Element>): Kind["page"] =>
  (reply, from) => {
    const start = rankOf(from)
    const found = elements(reply, start)
    return { elements: found, next: found.length < mostElements ? undefined : String(start + mostElements) }
  }

const rankOf = (from: string): number => (/^\d{1,15}$/.test(from) ? Number(from) : 0)
const lastOf = (from: string): number => rankOf(from) + mostElements - 1

/** By cursor. The server returns a small structure in one page, whatever COUNT says. The place within that page follows the cursor. */
const scanned =
  (elements: (reply: Reply) => ReadonlyArray<Element>): Kind["page"] =>
  (reply, from) => {
    const [cursor, found] = list(reply)
    const { cursor: current, skip } = placeOf(from)
    const all = elements(found ?? null)
    const upTo = skip + mostElements
    const next = shown(cursor)
    return {
      elements: all.slice(skip, upTo),
      next: upTo < all.length ? `${current}.${upTo}` : next === "0" ? undefined : `${next}.0`
    }
  }

const placeOf = (from: string): { readonly cursor: string; readonly skip: number } => {
  const [, cursor = "0", skip = "0"] = /^(\d{1,20})\.(\d{1,9})$/.exec(from) ?? []
  return { cursor, skip: Number(skip) }
}

const kinds: Readonly<Record<StructureType, Kind>> = {
  list: {
    size: "LLEN",
    columns: ["index", "value"],
    read: (key, from) => command("LRANGE", key, rankOf(from), lastOf(from)),
    page: ranked((reply, start) =>
      list(reply).map((value, at) => {
        const index = String(start + at)
        return { cells: [index, said(bytes(value))], name: Buffer.from(index), stored: bytes(value) }
      })
    )
  },
  set: {
    size: "SCARD",
    columns: ["member"],
    read: (key, from) => command("SSCAN", key, placeOf(from).cursor, "COUNT", mostElements),
    page: scanned((reply) =>
      list(reply).map((member) => ({ cells: [said(bytes(member))], name: bytes(member), stored: none }))
    )
  },
  hash: {
    size: "HLEN",
    columns: ["field", "value"],
    read: (key, from) => command("HSCAN", key, placeOf(from).cursor, "COUNT", mostElements),
    page: scanned((reply) =>
      pairs(reply, (field, value) => ({
        cells: [shown(field), said(bytes(value))],
        name: bytes(field),
        stored: bytes(value)
      }))
    )
  },
  zset: {
    size: "ZCARD",
    columns: ["score", "member"],
    read: (key, from) => command("ZRANGE", key, rankOf(from), lastOf(from), "WITHSCORES"),
    page: ranked((reply) =>
      pairs(reply, (member, score) => ({
        cells: [shown(score), said(bytes(member))],
        name: bytes(member),
        stored: bytes(score)
      }))
    )
  },
  stream: {
    size: "XLEN",
    columns: ["id", "fields"],
    read: (key, from) =>
      command("XRANGE", key, /^\d{1,20}-\d{1,20}$/.test(from) ? `(${from}` : "-", "+", "COUNT", mostElements),
    page: (reply) => {
      const elements = list(reply).map((entry) => {
        const [id, fields] = list(entry)
        const words = pairs(fields, (field, value) => `${shown(field)}: ${said(bytes(value))}`)
        return { cells: [shown(id), words.join("\n")], name: bytes(id), stored: bytes(list(fields)[1]) }
      })
      return { elements, next: elements.length < mostElements ? undefined : elements.at(-1)?.cells[0] }
    }
  }
}

/** The command that counts what a key of this type holds: bytes, or elements. */
export const sizeCommand = (type: KeyType): string => (type === "string" ? "STRLEN" : kinds[type].size)

/** How many elements there are, and a page of them. One round trip. */
export const elementsOf = (
  client: ValkeyClientShape,
  type: StructureType,
  key: KeyName,
  from: string
): Effect.Effect<Elements & { readonly size: number }, CommandError> =>
  Effect.gen(function* () {
    const { columns, page, read, size } = kinds[type]
    const [count, found] = yield* client.pipeline([command(size, key), read(key, from)])
    const reply = yield* Effect.fromResult(found ?? Result.succeed(null))
    return { columns, ...page(reply, from), size: Number(yield* Effect.fromResult(count ?? Result.succeed(0))) }
  })
