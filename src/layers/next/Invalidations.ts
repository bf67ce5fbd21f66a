/** What was invalidated, for all processes over one server. */
import { Effect } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import { CacheService } from "../../services/CacheService.ts"
import { invalidate, maxTags, readInvalidations } from "./invalidationScripts.ts"
import { ServerClock } from "./ServerClock.ts"
import type { Known } from "./StoredEntry.ts"

export class Invalidations {
  readonly #record: string
  /** Tags that this process could not invalidate, and for how long what bears them may be served. */
  readonly #owed = new Map<string, number | null>()
  readonly clock = new ServerClock()

  constructor(record: string) {
    this.#record = record
  }

  /** What is known of these tags now. Nothing is, as long as the server has not been told what this process owes it. */
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

  /** `expire`: null where nothing is served any more, else for how many milliseconds it is while it is made anew, and -1 is for ever. */
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
      // Where no script can run nothing is stored, and all is forgotten.
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

/** The server reads no others, and one of them must not be owed for ever. */
const wellFormed = (tags: ReadonlyArray<string>): ReadonlyArray<string> => tags.map((tag) => tag.toWellFormed())

const stricter = (a: number | null, b: number | null): number | null => {
  if (a === null || b === null) return null
  return a < 0 ? b : b < 0 ? a : Math.min(a, b)
}
