/** Forgets results by their tables. The database has the write by then, whatever becomes of this. */
import { Context, Effect, type Scope } from "effect"
import { type CommandError } from "../../schema/CacheError.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { OwedInvalidations } from "./OwedInvalidations.ts"
import { SqlInvalidationError } from "./SqlInvalidationError.ts"
import type { Tables } from "./tableNames.ts"

/** The failures that `confirmed` reports to its caller. */
const Failures = Context.Reference<Array<SqlInvalidationError> | undefined>("effect-vcache/sql/Failures", {
  defaultValue: () => undefined
})

export class Invalidations {
  readonly owed: OwedInvalidations
  readonly #cache: TypedCache<unknown>
  readonly #head: string

  constructor(cache: TypedCache<unknown>, head: string, scope: Scope.Scope) {
    this.#cache = cache
    this.#head = head
    this.owed = new OwedInvalidations((tables) => this.#forget(tables), scope)
  }

  /** The tags of a result of these tables: that of everything, and one for each of them. */
  tagsOf(tables: ReadonlyArray<string>): ReadonlyArray<string> {
    return [this.#head, ...this.#tagsOfEach(tables)]
  }

  /** Never fails: what could not be invalidated is owed. */
  readonly invalidate = (tables: Tables): Effect.Effect<void> =>
    tables.length === 0
      ? Effect.void
      : Effect.catch(this.#forget(tables), (cause) => {
          const error = new SqlInvalidationError({ tables, cause })
          return Effect.flatMap(Failures, (failures) => {
            failures?.push(error)
            return Effect.andThen(
              this.owed.add(tables),
              Effect.logWarning(`${error.message}; the cache tries it again`)
            )
          })
        })

  readonly confirmed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlInvalidationError, R> =>
    Effect.suspend(() => {
      const failures: Array<SqlInvalidationError> = []
      return Effect.flatMap(
        Effect.provideService(effect, Failures, failures),
        (result): Effect.Effect<A, SqlInvalidationError> => {
          const [first] = failures
          return first === undefined ? Effect.succeed(result) : Effect.fail(first)
        }
      )
    })

  #forget(tables: Tables): Effect.Effect<void, CommandError> {
    return this.#cache.invalidateTags(tables === "all" ? [this.#head] : this.#tagsOfEach(tables))
  }

  #tagsOfEach(tables: ReadonlyArray<string>): ReadonlyArray<string> {
    return tables.map((table) => `${this.#head}:${table}`)
  }
}
