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
}

export class TagMemory {
  #seen: Look | undefined
  #until = 0
  readonly #digests = new Map<string, Digests>()

  /** What was seen last: to be taken before records are read that are to be learned. */
  get seen(): Look | undefined {
    return this.#seen
  }

  /** By the names of lists as headers have them. Undefined where one of them is not known. */
  known(names: Iterable<string>, instant: number): ReadonlyMap<string, Digests> | undefined {
    if (instant >= this.#until) return undefined
    for (const name of names) if (!this.#digests.has(name)) return undefined
    return this.#digests
  }

  /** Whether what is known holds by the ledger that was read. */
  holds({ era, texts }: TagRecordsText): boolean {
    return this.#seen !== undefined && era === this.#seen.era && texts[0] === this.#seen.ledger
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
    if (!this.holds(records)) return this.#see(records)
    if (before !== this.#seen) return
    if (this.#digests.size + digests.size > most) this.#digests.clear()
    if (this.#digests.size === 0 || instant >= this.#until) {
      this.#digests.clear()
      this.#until = instant + lasting
    }
    for (const [names, now] of digests) {
      if (now === undefined) this.#digests.delete(names)
      else this.#digests.set(names, now)
    }
  }

  /** Without a history the ledger of another server may count the same. */
  #see({ era, texts: [ledger] }: TagRecordsText): void {
    this.#digests.clear()
    const isTold = era !== undefined && era !== "" && era !== anyEra && ledger !== null && ledger !== undefined
    this.#seen = isTold ? { era, ledger } : undefined
  }
}
