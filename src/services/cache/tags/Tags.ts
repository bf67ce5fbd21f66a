/** The tags of one cache, on the server. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { protocolError } from "../../../schema/failures.ts"
import type { Script } from "../../../schema/Script.ts"
import { tagKeys } from "../../../schema/tagKeys.ts"
import { type TagStamp, tagsIn } from "../../../schema/TagStamp.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { recordsIn } from "./tagReplies.ts"
import { digestsOf, judge, type TagRecords, type TagVerdict } from "./TagRecords.ts"
import { ensureTagsScript, invalidateTagsScript, readTagsScript } from "./tagScripts.ts"

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

/** Records are kept this long at least, in milliseconds, so that entries of a moment do not make new ones all the time. */
const shortest = 60_000

export class Tags implements TagJudges {
  readonly #client: ValkeyClientShape
  readonly #ledger: string
  readonly #lead: string
  readonly #random: Effect.Effect<string>

  /** `client` sends at once, also where the cache queues. `random` gives texts of letters and digits that nobody has given before. */
  constructor(client: ValkeyClientShape, prefix: string, random: Effect.Effect<string>) {
    const { ledger, tokens } = tagKeys(prefix)
    this.#client = client
    this.#ledger = ledger
    this.#lead = tokens
    this.#random = random
  }

  /** Whether the entry may be served. One round trip. */
  readonly judge: Judge = (stamp) => Effect.flatMap(this.judgeOf([stamp]), (judge) => judge(stamp))

  /** The judge of all these, and of no others. One round trip for each 500 names. */
  judgeOf(stamps: ReadonlyArray<TagStamp>): Effect.Effect<Judge, CommandError> {
    const names = new Map<string, ReadonlyArray<string>>()
    const all = new Set<string>()
    for (const stamp of stamps) {
      if (names.has(stamp.names)) continue
      const read = namesIn(stamp)
      names.set(stamp.names, read)
      for (const name of read) all.add(name)
    }
    if (all.size === 0) return Exit.succeed(untagged)
    return Effect.map(this.#run(readTagsScript, [...all], []), (records) => {
      const now = new Map([...names].map(([text, names]) => [text, digestsOf(names, records)] as const))
      return (stamp) => Exit.succeed(judge(stamp, now.get(stamp.names)))
    })
  }

  /**
   * The records of these tags, made where there are none, and kept as long as an entry that is stored now with a lifetime of
   * so many milliseconds. One round trip for each 500 names.
   */
  ensure(names: ReadonlyArray<string>, lifetime: number): Effect.Effect<TagRecords, CommandError> {
    const times = lifetime === Infinity ? ["", ""] : [String(lifetime), String(Math.max(shortest, 2 * lifetime))]
    return Effect.flatMap(this.#random, (random) => this.#run(ensureTagsScript, names, [random, ...times]))
  }

  invalidate(names: ReadonlyArray<string>, mode: "remove" | "stale"): Effect.Effect<void, CommandError> {
    return Effect.forEach(
      partsOf(names),
      (part) =>
        Effect.flatMap(this.#random, (random) =>
          Effect.flatMap(this.#eval(invalidateTagsScript, part, [random, mode]), (reply) =>
            reply === 1 ? Exit.void : Exit.fail(protocolError("invalidateTags"))
          )
        ),
      { discard: true }
    )
  }

  #run(
    script: Script,
    names: ReadonlyArray<string>,
    args: ReadonlyArray<Arg>
  ): Effect.Effect<TagRecords, CommandError> {
    const read = (part: ReadonlyArray<string>) =>
      Effect.flatMap(this.#eval(script, part, args), (reply) => {
        const records = recordsIn(part, reply)
        return records === undefined ? Exit.fail(protocolError(script.name)) : Exit.succeed(records)
      })
    const parts = partsOf(names)
    const [only = []] = parts
    if (parts.length <= 1) return read(only)
    return Effect.map(Effect.forEach(parts, read), together)
  }

  #eval(script: Script, names: ReadonlyArray<string>, args: ReadonlyArray<Arg>): Effect.Effect<Reply, CommandError> {
    return this.#client.eval(script, [this.#ledger, ...names.map((name) => this.#lead + name)], args)
  }
}

const partsOf = (names: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const parts: Array<ReadonlyArray<string>> = []
  for (let start = 0; start < names.length; start += mostNames) parts.push(names.slice(start, start + mostNames))
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

/** Names that are damaged are nobody's. */
export const namesIn = ({ names }: Pick<TagStamp, "names">): ReadonlyArray<string> => {
  try {
    return tagsIn(names)
  } catch {
    return [""]
  }
}
