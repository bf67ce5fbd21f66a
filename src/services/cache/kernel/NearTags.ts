/**
 * Judges entries by records of tags that are kept in this process. They are kept, dropped and proven as values are, so that an
 * entry is judged by what the server had at most `near.maxStaleness` ago.
 */
import { Effect, Exit, type Fiber } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/frame.ts"
import { tagKeys } from "../../../schema/tagKeys.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import { nothing } from "../near/kept.ts"
import type { NearCache, Reader } from "../near/NearCache.ts"
import { absent, type Kept } from "../near/NearValue.ts"
import {
  type Digests,
  digestsOf,
  judge,
  type Ledger,
  ledgerIn,
  type TagVerdict,
  type Token,
  tokenIn
} from "../tags/TagRecords.ts"
import { type Judge, namesIn, type TagJudges, type Tags } from "../tags/Tags.ts"

/** A record as it is kept. */
class NearRecord {
  readonly era: string
  readonly ledger: Ledger | undefined
  readonly token: Token | undefined

  constructor(era: string, ledger: Ledger | undefined, token: Token | undefined) {
    this.era = era
    this.ledger = ledger
    this.token = token
  }
}

/** In the order of their keys; undefined where the server has none. */
type Records = ReadonlyArray<NearRecord | undefined>

/** What entries with the same tags would bear if they were made now. */
interface Known {
  readonly names: ReadonlyArray<string>
  /** Of the ledger, and of a token for each name. */
  readonly keys: ReadonlyArray<string>
  /** What was near of the keys when that was told. */
  readonly records: Records
  readonly now: Digests | undefined
}

/** Lists of tags that are remembered; when there are more, all are forgotten. */
const mostKnown = 4096

/** All records are of one kind, whichever view of the cache reads them. */
const codec = {}

export class NearTags implements TagJudges {
  readonly #near: NearCache
  readonly #tags: Tags
  readonly #ledger: string
  readonly #tokens: string
  /** Whether changes of the records are announced. */
  readonly #isCovered: boolean
  readonly #reader: Reader
  /** By the names as headers have them. */
  readonly #known = new Map<string, Known>()

  constructor(near: NearCache, tags: Tags, prefix: string) {
    const { ledger, tokens } = tagKeys(prefix)
    this.#near = near
    this.#tags = tags
    this.#ledger = ledger
    this.#tokens = tokens
    this.#isCovered = near.covers(ledger)
    this.#reader = {
      codec,
      reply: "utf8",
      keptForm: (final, stored, era = "") => (stored === null ? nothing : keptRecord(final === ledger, stored, era)),
      asksEra: true,
      counts: false
    }
  }

  /** What the entry is by what is near; undefined where the server is to be asked. */
  verdict(stamp: TagStamp, caller: Fiber.Fiber<unknown, unknown>): TagVerdict | undefined {
    const known = this.#find(stamp, this.#near.instant(caller))
    return known && judge(stamp, known.now)
  }

  /** Whether the server need not be asked for any of these. */
  knows(stamps: ReadonlyArray<TagStamp>, caller: Fiber.Fiber<unknown, unknown>): boolean {
    const instant = this.#near.instant(caller)
    return stamps.every((stamp) => this.#find(stamp, instant) !== undefined)
  }

  /** One round trip where something is not near. */
  readonly judge: Judge = (stamp) => Effect.flatMap(this.judgeOf([stamp]), (judge) => judge(stamp))

  /** The judge of all these, and of no others. One round trip where something is not near. */
  judgeOf(stamps: ReadonlyArray<TagStamp>): Effect.Effect<Judge, CommandError> {
    return Effect.withFiber((caller) => {
      if (!this.#isCovered || !this.#near.store.proofs.hasLive) return this.#tags.judgeOf(stamps)
      const instant = this.#near.instant(caller)
      const now = new Map<string, Digests | undefined>()
      const unknown = new Map<string, ReadonlyArray<string>>()
      for (const stamp of stamps) {
        const { names } = stamp
        if (now.has(names) || unknown.has(names)) continue
        const known = this.#find(stamp, instant)
        if (known === undefined) unknown.set(names, namesIn(stamp))
        else now.set(names, known.now)
      }
      const judgeNow: Judge = (stamp) => Exit.succeed(judge(stamp, now.get(stamp.names)))
      if (unknown.size === 0) return Exit.succeed(judgeNow)
      const names = [...new Set([...unknown.values()].flat())]
      return Effect.map(this.#read(this.#keysOf(names), instant), (records) => {
        const byName = new Map(names.map((name, i) => [name, records[i + 1]]))
        for (const [text, names] of unknown) {
          now.set(text, digestsIn(names, [records[0], ...names.map((name) => byName.get(name))]))
        }
        return judgeNow
      })
    })
  }

  #find(stamp: TagStamp, instant: number): Known | undefined {
    if (!this.#isCovered) return undefined
    const before = this.#known.get(stamp.names)
    const names = before?.names ?? namesIn(stamp)
    const keys = before?.keys ?? this.#keysOf(names)
    const records: Array<NearRecord | undefined> = []
    let isAsBefore = before !== undefined
    for (const [i, key] of keys.entries()) {
      const record = this.#kept(key, instant)
      if (record === untold) return undefined
      records.push(record)
      isAsBefore &&= i === 0 ? isOneHistory(record, before?.records[0]) : record === before?.records[i]
    }
    if (before !== undefined && isAsBefore) return before
    if (isMixed(records)) return undefined
    const known: Known = { names, keys, records, now: digestsIn(names, records) }
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.set(stamp.names, known)
    return known
  }

  /** As they are now, or were when what is near was proven. */
  #read(keys: ReadonlyArray<string>, instant: number): Effect.Effect<Records, CommandError> {
    const near = this.#near
    const kept = keys.map((key) => this.#kept(key, instant))
    const missing = keys.filter((_, i) => kept[i] === untold)
    return Effect.flatMap(near.readAllShared(missing, this.#reader), (reads) => {
      let next = 0
      const records = kept.map((record) => (record === untold ? recordIn(reads[next++]?.kept?.value) : record))
      // What was near is of a server that another one has followed.
      return isMixed(records)
        ? Effect.map(near.readAll(keys, this.#reader), (reads) => reads.map(({ kept }) => recordIn(kept?.value)))
        : Exit.succeed(records)
    })
  }

  /** Others may have kept the key in another form. */
  #kept(key: string, instant: number): NearRecord | undefined | typeof untold {
    const found = this.#near.store.find(key, instant)
    if (found?.value instanceof NearRecord) return found.value
    return found?.value === absent ? undefined : untold
  }

  #keysOf(names: ReadonlyArray<string>): ReadonlyArray<string> {
    return [this.#ledger, ...names.map((name) => this.#tokens + name)]
  }
}

/** In place of a record that is not near. */
const untold = Symbol("untold")

const keptRecord = (isLedger: boolean, stored: Stored, era: string): Kept => {
  const text = stored.toString()
  const value = isLedger
    ? new NearRecord(era, ledgerIn(text), undefined)
    : new NearRecord(era, undefined, tokenIn(text))
  return { codec, value, header: undefined, bytes: text.length }
}

/** Of what was kept of a reply. */
const recordIn = (kept: unknown): NearRecord | undefined => (kept instanceof NearRecord ? kept : undefined)

/** Whether they are of servers with several histories. */
const isMixed = (records: Records): boolean => {
  let first: NearRecord | undefined
  for (const record of records) {
    if (record === undefined) continue
    if (first !== undefined && record.era !== first.era) return true
    first = record
  }
  return false
}

/** Whether the ledger is still the same one; it may have counted more. */
const isOneHistory = (one: NearRecord | undefined, other: NearRecord | undefined): boolean =>
  one === other || (one?.era === other?.era && one?.ledger?.lineage === other?.ledger?.lineage)

/** Of the ledger's record, and of the tokens' in the order of the names. */
const digestsIn = (names: ReadonlyArray<string>, records: Records): Digests | undefined => {
  if (isMixed(records)) return undefined
  const tokens = new Map<string, Token>()
  for (const [i, name] of names.entries()) {
    const token = records[i + 1]?.token
    if (token !== undefined) tokens.set(name, token)
  }
  const [ledger] = records
  return digestsOf(names, { era: ledger?.era ?? "", ledger: ledger?.ledger, tokens })
}
