/** Invalidations of tags, for all processes over one server. */
import { Effect } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import { CacheService } from "../../services/CacheService.ts"
import { invalidate, maxTags, readInvalidations } from "./invalidationScripts.ts"
import { ServerClock } from "./ServerClock.ts"
import type { Known } from "./StoredEntry.ts"

export class Invalidations {
  readonly #record: string
  /** Tags that this process could not invalidate, and for how long entries that bear them may be served. */
  readonly #owed = new Map<string, number | null>()
  readonly clock = new ServerClock()

  constructor(record: string) {
    this.#record = record
  }

  /** Reads the invalidations of these tags. It sends the owed ones first, and fails where the server does not take them. */
  readonly of = (tags: ReadonlyArray<string>): Effect.Effect<Known, CacheError, CacheService> =>
    Effect.gen({ self: this }, function* () {
      for (const [expire, owed] of Map.groupBy(this.#owed, ([, expire]) => expire)) {
        yield* this.invalidate(
          owed.map(([tag]) => tag),
          expire
        )
      }
      const known = yield* CacheService.use((cache) =>
        cache.script(readInvalidations, { keys: { record: this.#record }, args: { tags: wellFormed(tags) } })
      )
      const [era, now] = known
      this.clock.observe(now, era)
      return known
    })

  /** `expire` is for how many milliseconds entries are served while they are made anew: null is not at all, and -1 is for ever. */
  readonly invalidate = (
    tags: ReadonlyArray<string>,
    expire: number | null
  ): Effect.Effect<void, CacheError, CacheService> =>
    CacheService.use((cache) =>
      cache.script(invalidate, { keys: { record: this.#record }, args: { tags: wellFormed(tags), expire, maxTags } })
    ).pipe(
      Effect.map(([era, now]) => {
        for (const tag of tags) if (this.#owed.get(tag) === expire) this.#owed.delete(tag)
        this.clock.observe(now, era)
      }),
      // A cache that runs no scripts stores nothing, so there is nothing to invalidate.
      Effect.catchTag("CacheUnsupportedError", () => Effect.void),
      Effect.tapError(() => Effect.sync(() => this.#owe(tags, expire)))
    )

  #owe(tags: ReadonlyArray<string>, expire: number | null): void {
    for (const tag of tags) {
      const owed = this.#owed.get(tag)
      this.#owed.set(tag, owed === undefined ? expire : stricter(owed, expire))
    }
  }
}

/** The server reads well-formed text only. Another tag would be owed for ever. */
const wellFormed = (tags: ReadonlyArray<string>): ReadonlyArray<string> => tags.map((tag) => tag.toWellFormed())

const stricter = (a: number | null, b: number | null): number | null => {
  if (a === null || b === null) return null
  return a < 0 ? b : b < 0 ? a : Math.min(a, b)
}
