/**
 * What entries with certain tags would bear, for as long as nothing has been invalidated. The ledger counts every invalidation,
 * so that one key tells it for any number of tags.
 */
import type { TagRecordsText } from "./TagLists.ts"
import { anyEra, type Digests } from "./TagRecords.ts"

/** Records that were lost, and not invalidated, are missed after so many milliseconds at most. */
const lasting = 1000

/** Lists that are remembered; when there are more, all are forgotten. */
const most = 4096

/** What the server said of all tags at one moment: as long as it says the same, none of them was invalidated. */
interface Look {
  readonly era: string
  readonly ledger: string
  /** By the names of lists as headers have them. Who reads the ledger meanwhile judges by them: they are added to, and not emptied. */
  readonly digests: Map<string, Digests>
  readonly until: number
}

export class TagMemory {
  #seen: Look | undefined

  /** What was seen last: to be taken before records are read that are to be learned. */
  get seen(): Look | undefined {
    return this.#seen
  }

  /** Undefined where one of the lists is not known. */
  known(names: Iterable<string>, instant: number): Look | undefined {
    const seen = this.#seen
    if (seen === undefined || instant >= seen.until) return undefined
    for (const name of names) if (!seen.digests.has(name)) return undefined
    return seen
  }

  /** Whether what was seen holds by the ledger that was read. */
  holds(seen: Look | undefined, { era, texts }: TagRecordsText): seen is Look {
    return seen !== undefined && era === seen.era && texts[0] === seen.ledger
  }

  /**
   * `before` was seen before these records were read. Only where it is what they say as well they are surely of that history:
   * a server that is replaced meanwhile gives the records of one, and the name of the next.
   */
  learn(
    before: Look | undefined,
    records: TagRecordsText,
    digests: ReadonlyMap<string, Digests | undefined>,
    instant: number
  ): void {
    const seen = this.#seen
    if (!this.holds(seen, records)) return this.#see(records)
    if (before !== seen) return
    const isKept = instant < seen.until && seen.digests.size + digests.size <= most
    const look = isKept ? seen : { ...seen, digests: new Map<string, Digests>(), until: instant + lasting }
    this.#seen = look
    for (const [names, now] of digests) {
      if (now === undefined) look.digests.delete(names)
      else look.digests.set(names, now)
    }
  }

  /** Without a history the ledger of another server may count the same. */
  #see({ era, texts: [ledger] }: TagRecordsText): void {
    const isTold = era !== undefined && era !== "" && era !== anyEra && ledger !== null && ledger !== undefined
    this.#seen = isTold ? { era, ledger, digests: new Map(), until: 0 } : undefined
  }
}
