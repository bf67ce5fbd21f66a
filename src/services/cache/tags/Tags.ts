/** The tags of one cache, on the server. */
import { Effect, Exit } from "effect"
import { CacheUnsupportedError, type CommandError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { protocolError } from "../../../schema/failures.ts"
import type { TrackedReply } from "../../../schema/Invalidation.ts"
import type { TagSettings } from "../../../schema/CacheOptions.ts"
import { type Script, scriptCall } from "../../../schema/Script.ts"
import { type TagKeys, tagKeys } from "../../../schema/tagKeys.ts"
import { maxTags, type TagStamp } from "../../../schema/TagStamp.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { judgeBy, type TagList, TagLists, type TagRecordsText } from "./TagLists.ts"
import { TagMemory } from "./TagMemory.ts"
import { recordsIn } from "./tagReplies.ts"
import { judge, type TagRecords, type TagVerdict } from "./TagRecords.ts"
import { ensureTagsScript, invalidateTagsScript } from "./tagScripts.ts"

/** What entries are by the tags that they bear. */
export type Judge = (stamp: TagStamp) => Effect.Effect<TagVerdict, CommandError>

/** Who knows what has become of tags. */
export interface TagJudges {
  readonly judge: Judge
  /** The judge of all these, and of no others. */
  readonly judgeOf: (stamps: ReadonlyArray<TagStamp>) => Effect.Effect<Judge, CommandError>
}

/** Of a place where nothing bears tags. */
export const untagged: Judge = () => Exit.succeed("gone")

/** In one script, which keeps the server from others meanwhile. */
const mostNames = 500

/** In one MGET. */
const mostKeys = 1000

/** Records are kept this long at least, in milliseconds, so that entries of a moment do not make new ones all the time. */
const shortest = 60_000

/** The history of the server is told after the records. The other way round it could be that of another server, which had forgotten an invalidation. */
const reading = { many: true, era: true, keep: false } as const

export class Tags implements TagJudges {
  readonly lists: TagLists
  readonly #client: ValkeyClientShape
  readonly #keys: TagKeys
  readonly #random: Effect.Effect<string>
  readonly #memory = new TagMemory()

  /** `client` sends at once, also where the cache queues. `random` gives texts of letters and digits that nobody has given before. */
  constructor(
    client: ValkeyClientShape,
    prefix: string,
    random: Effect.Effect<string>,
    { afterFailover = "forget" }: TagSettings = {}
  ) {
    this.#keys = tagKeys(prefix)
    this.lists = new TagLists(this.#keys, afterFailover === "trust")
    this.#client = client
    this.#random = random
  }

  /** Whether the entry may be served. One round trip. */
  readonly judge: Judge = (stamp) => Effect.flatMap(this.judgeOf([stamp]), (judge) => judge(stamp))

  /** The judge of all these, and of no others. One round trip for each 1 000 tags, or for the ledger alone where that tells enough. */
  judgeOf(stamps: ReadonlyArray<TagStamp>): Effect.Effect<Judge, CommandError> {
    const lists = this.lists.allOf(stamps)
    if (lists.size === 0) return Exit.succeed(untagged)
    if (!areMany(lists)) return this.#judgeBy(lists, undefined)
    return Effect.withFiber((caller) => {
      const instant = this.#client.instant(caller)
      const seen = this.#memory.known(lists.keys(), instant)
      // What is not live by what is known may have been made with tokens that came since.
      if (seen === undefined || !stamps.every((stamp) => judge(stamp, seen.digests.get(stamp.names)) === "live")) {
        return this.#judgeBy(lists, instant)
      }
      return Effect.flatMap(this.#read([this.#keys.ledger]), (records) =>
        this.#memory.holds(seen, records) ? Exit.succeed(judgeBy(seen.digests)) : this.#judgeBy(lists, instant)
      )
    })
  }

  /**
   * The records of these tags, made where there are none, and kept as long as an entry that is stored now with a lifetime of
   * so many milliseconds. One round trip for each 500 names.
   */
  ensure(names: ReadonlyArray<string>, lifetime: number): Effect.Effect<TagRecords, CommandError> {
    const times = lifetime === Infinity ? ["", ""] : [String(lifetime), String(Math.max(shortest, 2 * lifetime))]
    return Effect.flatMap(this.#random, (random) => {
      const make = (part: ReadonlyArray<string>) =>
        Effect.flatMap(this.#eval(ensureTagsScript, part, [random, ...times]), (reply) => {
          const records = recordsIn(part, reply)
          return records === undefined ? Exit.fail(protocolError(ensureTagsScript.name)) : Exit.succeed(records)
        })
      const parts = partsOf(names, mostNames)
      const [only = []] = parts
      return parts.length <= 1 ? make(only) : Effect.map(Effect.forEach(parts, make), together)
    })
  }

  invalidate(names: ReadonlyArray<string>, mode: "remove" | "stale"): Effect.Effect<void, CommandError> {
    return Effect.forEach(
      partsOf(names, mostNames),
      (part) =>
        Effect.flatMap(this.#random, (random) =>
          Effect.flatMap(this.#eval(invalidateTagsScript, part, [random, mode]), (reply) =>
            reply === 1 ? Exit.void : Exit.fail(protocolError("invalidateTags"))
          )
        ),
      { discard: true }
    )
  }

  /** The same, and how many replicas have it after so many milliseconds at most. */
  invalidateReplicated(
    names: ReadonlyArray<string>,
    mode: "remove" | "stale",
    replicas: number,
    millis: number
  ): Effect.Effect<number, CommandError> {
    if (this.#client.topology === "memory") {
      const reason = "there are no replicas"
      return Exit.fail(new CacheUnsupportedError({ operation: "invalidateTags", topology: "memory", reason }))
    }
    return Effect.scoped(
      Effect.gen({ self: this }, function* () {
        // WAIT counts what its own connection has written, and names no key: by WATCH all that follows goes to the server of this one.
        const own = yield* this.#client.dedicated
        yield* own.send("WATCH", [this.#keys.ledger])
        for (const part of partsOf(names, mostNames)) {
          const { args, name } = scriptCall(invalidateTagsScript, this.#recordKeys(part), [yield* this.#random, mode])
          if ((yield* own.send(name, args)) !== 1) return yield* Effect.fail(protocolError("invalidateTags"))
        }
        const acknowledged = yield* own.send("WAIT", [replicas, millis])
        yield* own.send("UNWATCH", [])
        return typeof acknowledged === "number" ? acknowledged : yield* Effect.fail(protocolError("invalidateTags"))
      })
    )
  }

  /** By the records of all of them. `instant`: they are to be remembered. */
  #judgeBy(lists: ReadonlyMap<string, TagList>, instant: number | undefined): Effect.Effect<Judge, CommandError> {
    const places = this.lists.keysOf(lists.values())
    const { seen } = this.#memory
    return Effect.map(this.#read([...places.keys()]), (records) => {
      const now = this.lists.digestsOf(lists, places, records)
      if (instant !== undefined) this.#memory.learn(seen, records, now, instant)
      return judgeBy(now)
    })
  }

  #read(keys: ReadonlyArray<string>): Effect.Effect<TagRecordsText, CommandError> {
    if (keys.length <= mostKeys)
      return Effect.map(this.#client.tracked(keys, reading), (replies) => this.#texts(replies))
    const read = (part: ReadonlyArray<string>) => this.#client.tracked(part, reading)
    return Effect.map(Effect.forEach(partsOf(keys, mostKeys), read), (parts) => this.#texts(parts.flat()))
  }

  #texts(replies: ReadonlyArray<TrackedReply>): TagRecordsText {
    return {
      era: this.lists.eraOf(replies.map(({ era = "" }) => era)),
      texts: replies.map(({ value }) => (value === null ? null : value.toString()))
    }
  }

  #eval(script: Script, names: ReadonlyArray<string>, args: ReadonlyArray<Arg>): Effect.Effect<Reply, CommandError> {
    return this.#client.eval(script, this.#recordKeys(names), args)
  }

  /** The ledger, and the tokens of these tags: the keys of every script. */
  #recordKeys(names: ReadonlyArray<string>): ReadonlyArray<string> {
    const { ledger, tokens } = this.#keys
    return [ledger, ...names.map((name) => tokens + name)]
  }
}

/** Whether their tokens are worth remembering. One entry alone never has as many. */
const areMany = (lists: ReadonlyMap<string, TagList>): boolean => {
  let count = 0
  for (const { names } of lists.values()) count += names.length
  return count > maxTags
}

const partsOf = (all: ReadonlyArray<string>, most: number): ReadonlyArray<ReadonlyArray<string>> => {
  const parts: Array<ReadonlyArray<string>> = []
  for (let start = 0; start < all.length; start += most) parts.push(all.slice(start, start + most))
  return parts
}

/** Of one server and one ledger, or there is none. */
const together = (parts: ReadonlyArray<TagRecords>): TagRecords => {
  const [first] = parts
  const isOne = parts.every(({ era, ledger }) => era === first?.era && ledger?.lineage === first.ledger?.lineage)
  return {
    era: first?.era ?? "",
    ledger: isOne ? first?.ledger : undefined,
    tokens: new Map(parts.flatMap(({ tokens }) => [...tokens]))
  }
}
