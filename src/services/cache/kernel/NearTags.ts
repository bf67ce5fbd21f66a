/**
 * Judges entries by records of tags that are kept in this process. They are kept, dropped and proven as values are, so that an
 * entry is judged by what the server had at most `near.maxStaleness` ago.
 */
import { Effect, Exit, type Fiber } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { tagKeys } from "../../../schema/tagKeys.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import { nothing } from "../near/kept.ts"
import type { NearCache, Reader } from "../near/NearCache.ts"
import type { Term } from "../near/NearStore.ts"
import { absent } from "../near/NearValue.ts"
import { judgeBy, type TagRecordsText } from "../tags/TagLists.ts"
import { type Digests, judge, ledgerIn, type TagVerdict } from "../tags/TagRecords.ts"
import { type Judge, type TagJudges, type Tags, untagged } from "../tags/Tags.ts"

/** A record as it is kept. */
class NearRecord {
  readonly text: string
  /** The history of the server that had it. */
  readonly era: string

  constructor(text: string, era: string) {
    this.text = text
    this.era = era
  }
}

/** What entries with the same tags would bear now, and how long that may be said without another look. */
interface Told {
  readonly now: Digests | undefined
  readonly term: Term | undefined
}

/** Lists whose last answer is remembered; when there are more, all are forgotten. */
const most = 4096

/** All records are of one kind, whichever view of the cache reads them. */
const codec = {}

const reader: Reader = {
  codec,
  reply: "utf8",
  keptForm: (_, stored, era = "") =>
    stored === null
      ? nothing
      : { codec, value: new NearRecord(stored.toString(), era), header: undefined, bytes: stored.length },
  asksEra: true,
  counts: false
}

export class NearTags implements TagJudges {
  readonly #near: NearCache
  readonly #tags: Tags
  readonly #ledger: string
  /** Whether changes of the records are announced. */
  readonly #isCovered: boolean
  /** By the names of the list as headers have them. */
  readonly #told = new Map<string, Told>()

  constructor(near: NearCache, tags: Tags, prefix: string) {
    this.#near = near
    this.#tags = tags
    this.#ledger = tagKeys(prefix).ledger
    this.#isCovered = near.covers(this.#ledger)
  }

  /** What the entry is by what is near, live where it bears no tags; undefined where the server is to be asked. */
  verdict(stamp: TagStamp | undefined, caller: Fiber.Fiber<unknown, unknown>): TagVerdict | undefined {
    if (stamp === undefined) return "live"
    const told = this.#find(stamp, this.#near.instant(caller))
    return told && judge(stamp, told.now)
  }

  /** The judge of all these by what is near; undefined where the server is to be asked. */
  judgeNear(stamps: ReadonlyArray<TagStamp>, caller: Fiber.Fiber<unknown, unknown>): Judge | undefined {
    if (stamps.length === 0) return untagged
    const instant = this.#near.instant(caller)
    const now = new Map<string, Digests | undefined>()
    for (const stamp of stamps) {
      if (now.has(stamp.names)) continue
      const told = this.#find(stamp, instant)
      if (told === undefined) return undefined
      now.set(stamp.names, told.now)
    }
    return judgeBy(now)
  }

  /** One round trip where something is not near. */
  readonly judge: Judge = (stamp) => Effect.flatMap(this.judgeOf([stamp]), (judge) => judge(stamp))

  /** The judge of all these, and of no others. One round trip where something is not near. */
  judgeOf(stamps: ReadonlyArray<TagStamp>): Effect.Effect<Judge, CommandError> {
    return Effect.withFiber((caller) => {
      if (!this.#isCovered || !this.#near.store.proofs.hasLive) return this.#tags.judgeOf(stamps)
      const near = this.judgeNear(stamps, caller)
      if (near !== undefined) return Exit.succeed(near)
      const { lists } = this.#tags
      const all = lists.allOf(stamps)
      const places = lists.keysOf(all.values())
      return Effect.map(this.#read([...places.keys()], this.#near.instant(caller)), (records) =>
        judgeBy(lists.digestsOf(all, places, records))
      )
    })
  }

  #find(stamp: TagStamp, instant: number): Told | undefined {
    if (!this.#isCovered) return undefined
    const { store } = this.#near
    const before = this.#told.get(stamp.names)
    if (before?.term !== undefined && store.lasts(before.term, instant)) return before
    const list = this.#tags.lists.of(stamp)
    const keys = [this.#ledger, ...list.keys]
    const records = this.#keptOf(keys, instant)
    if (records === undefined) return undefined
    const { era, texts } = this.#texts(records)
    if (era === undefined) return undefined
    const told: Told = {
      now: list.digests(era, ledgerIn(texts[0] ?? ""), texts.slice(1)),
      term: store.termOf(keys)
    }
    if (this.#told.size >= most) this.#told.clear()
    this.#told.set(list.text, told)
    return told
  }

  /** As they are now, or were when what is near was proven. */
  #read(keys: ReadonlyArray<string>, instant: number): Effect.Effect<TagRecordsText, CommandError> {
    const near = this.#near
    const kept = keys.map((key) => this.#kept(key, instant))
    const missing = keys.filter((_, i) => kept[i] === untold)
    return Effect.flatMap(near.readAllShared(missing, reader), (reads) => {
      let next = 0
      const records = this.#texts(
        kept.map((record) => (record === untold ? recordIn(reads[next++]?.kept?.value) : record))
      )
      // What was near is of a server that another one has followed.
      return records.era === undefined
        ? Effect.map(near.readAll(keys, reader), (reads) => this.#texts(reads.map(({ kept }) => recordIn(kept?.value))))
        : Exit.succeed(records)
    })
  }

  #keptOf(keys: ReadonlyArray<string>, instant: number): ReadonlyArray<NearRecord | undefined> | undefined {
    const records: Array<NearRecord | undefined> = []
    for (const key of keys) {
      const record = this.#kept(key, instant)
      if (record === untold) return undefined
      records.push(record)
    }
    return records
  }

  #texts(records: ReadonlyArray<NearRecord | undefined>): TagRecordsText {
    return {
      era: this.#tags.lists.eraOf(records.flatMap((record) => record?.era ?? [])),
      texts: records.map((record) => record?.text ?? null)
    }
  }

  /** Undefined where it is known that the server has none. Others may have kept the key in another form. */
  #kept(key: string, instant: number): NearRecord | undefined | typeof untold {
    const found = this.#near.store.find(key, instant)
    if (found?.value instanceof NearRecord) return found.value
    return found?.value === absent ? undefined : untold
  }
}

/** In place of a record that is not near. */
const untold = Symbol("untold")

/** Of what was kept of a reply. */
const recordIn = (kept: unknown): NearRecord | undefined => (kept instanceof NearRecord ? kept : undefined)
