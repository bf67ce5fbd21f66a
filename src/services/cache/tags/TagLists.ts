/** Tags that entries bear together, and what such an entry would bear if it were made now. Equal lists are judged once. */
import { Exit } from "effect"
import type { TagKeys } from "../../../schema/tagKeys.ts"
import { tagsIn, type TagStamp } from "../../../schema/TagStamp.ts"
import {
  anyEra,
  type Digests,
  digestsOf,
  judge,
  type Ledger,
  ledgerIn,
  type TagVerdict,
  type Token,
  tokenIn
} from "./TagRecords.ts"
import type { Judge } from "./Tags.ts"

/** Records as the server has them; null where it has none. */
export interface TagRecordsText {
  /** Undefined where they are of servers with several histories. */
  readonly era: string | undefined
  readonly texts: ReadonlyArray<string | null>
}

export class TagList {
  /** The names as headers have them. */
  readonly text: string
  readonly names: ReadonlyArray<string>
  /** Where their tokens are, in the order of the names. */
  readonly keys: ReadonlyArray<string>
  #era = ""
  #lineage: string | undefined
  #tokens: ReadonlyArray<string | null> = []
  #now: Digests | undefined

  constructor(text: string, names: ReadonlyArray<string>, keys: ReadonlyArray<string>) {
    this.text = text
    this.names = names
    this.keys = keys
  }

  /** By tokens in the order of the keys. What they gave last is remembered. */
  digests(era: string, ledger: Ledger | undefined, tokens: ReadonlyArray<string | null>): Digests | undefined {
    if (era === this.#era && ledger?.lineage === this.#lineage && areEqual(tokens, this.#tokens)) return this.#now
    const read = new Map<string, Token>()
    for (const [i, name] of this.names.entries()) {
      const token = tokenIn(tokens[i] ?? "")
      if (token !== undefined) read.set(name, token)
    }
    this.#era = era
    this.#lineage = ledger?.lineage
    this.#tokens = tokens
    this.#now = digestsOf(this.names, { era, ledger, tokens: read })
    return this.#now
  }
}

const areEqual = (some: ReadonlyArray<string | null>, others: ReadonlyArray<string | null>): boolean => {
  if (some.length !== others.length) return false
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false
  return true
}

/** Lists that are remembered; when there are more, all are forgotten. */
const most = 4096

export class TagLists {
  readonly #known = new Map<string, TagList>()
  readonly #keys: TagKeys
  readonly #trusts: boolean

  /** `trusts`: entries count whatever history their server had. */
  constructor(keys: TagKeys, trusts: boolean) {
    this.#keys = keys
    this.#trusts = trusts
  }

  /** The history that records are of; undefined where they are of several: a slot that is being moved is answered for by two servers. */
  eraOf(eras: ReadonlyArray<string>): string | undefined {
    if (this.#trusts) return anyEra
    const [first = ""] = eras
    return eras.every((era) => era === first) ? first : undefined
  }

  of({ names: text }: Pick<TagStamp, "names">): TagList {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const names = namesIn(text)
    const list = new TagList(
      // What a header says is a part of the stored text, which would be kept with it.
      Buffer.from(text, "latin1").toString("latin1"),
      names,
      names.map((name) => this.#keys.tokens + name)
    )
    if (this.#known.size >= most) this.#known.clear()
    this.#known.set(list.text, list)
    return list
  }

  /** Each list once, by its names as headers have them. */
  allOf(stamps: ReadonlyArray<TagStamp>): ReadonlyMap<string, TagList> {
    const lists = new Map<string, TagList>()
    for (const stamp of stamps) if (!lists.has(stamp.names)) lists.set(stamp.names, this.of(stamp))
    return lists
  }

  /** Where the ledger is, and the token of each tag of the lists: each key once, with its place among them. */
  keysOf(lists: Iterable<TagList>): ReadonlyMap<string, number> {
    const places = new Map([[this.#keys.ledger, 0]])
    for (const { keys } of lists) for (const key of keys) if (!places.has(key)) places.set(key, places.size)
    return places
  }

  /** What entries with each of the lists would bear if they were made now, by what the server has under the keys of all of them. */
  digestsOf(
    lists: ReadonlyMap<string, TagList>,
    places: ReadonlyMap<string, number>,
    { era, texts }: TagRecordsText
  ): ReadonlyMap<string, Digests | undefined> {
    const now = new Map<string, Digests | undefined>()
    if (era === undefined) return now
    const ledger = ledgerIn(texts[0] ?? "")
    for (const [text, list] of lists) {
      now.set(
        text,
        list.digests(
          era,
          ledger,
          list.keys.map((key) => texts[places.get(key)!] ?? null)
        )
      )
    }
    return now
  }
}

const verdicts: Readonly<Record<TagVerdict, Exit.Exit<TagVerdict>>> = {
  live: Exit.succeed("live"),
  stale: Exit.succeed("stale"),
  gone: Exit.succeed("gone")
}

/** By what entries would bear if they were made now. */
export const judgeBy =
  (now: ReadonlyMap<string, Digests | undefined>): Judge =>
  (stamp) =>
    verdicts[judge(stamp, now.get(stamp.names))]

/** Names that are damaged are nobody's. */
const namesIn = (text: string): ReadonlyArray<string> => {
  try {
    return tagsIn(text)
  } catch {
    return [""]
  }
}
