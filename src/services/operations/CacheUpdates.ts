/** Updates: values that are replaced only where they are what was read. */
import type { Duration, Effect, Equivalence, Option } from "effect"
import type { ValueError } from "../../schema/CacheError.ts"
import type { CacheConflictError } from "../../schema/CacheConflictError.ts"
import type { SetOptions } from "./CacheValues.ts"
import type { TtlOptions } from "./KeyOptions.ts"

/**
 * The options of `update`.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface UpdateOptions extends TtlOptions {
  /** The new lifetime. Default: the value keeps the lifetime that it has, and a new value gets the cache's own. */
  readonly timeToLive?: Duration.Input | undefined
  /** How long past its new lifetime `getOrSet` may serve the value. Default 0. Needs `timeToLive`. */
  readonly staleFor?: Duration.Input | undefined
  /** How often the update is tried before it fails with `CacheConflictError`. Default: 100. */
  readonly attempts?: number | undefined
}

/**
 * The options of `setIf`: those of `set`, and how values are compared.
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface SetIfOptions<A = unknown> extends Omit<SetOptions, "when"> {
  /** The function that says whether two values are the same. Default: `Equal.equals`. */
  readonly equivalence?: Equivalence.Equivalence<A> | undefined
}

/**
 * The operations of a cache that replace a value only if nobody has changed it since it was read.
 *
 * @example
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const carts = (yield* CacheService).withSchema(Schema.Array(Schema.String))
 *   const add = (item: string) => carts.update("cart", (cart) => Option.some([...Option.getOrElse(cart, () => []), item]))
 *   // No addition is lost, whoever else adds at the same time.
 *   yield* Effect.all([add("tea"), add("milk")], { concurrency: "unbounded" })
 *   console.log(Option.getOrNull(yield* carts.get("cart")))
 * })
 * await Effect.runPromise(Effect.provide(program, CacheMemory))
 * // => [ 'tea', 'milk' ]
 * ```
 *
 * @since 0.2.0
 * @category values
 * @see docs/operations.md
 */
export interface CacheUpdates<A, RD = never, RE = never> {
  /**
   * Replaces the value by what the function makes of it, and returns that. None stands for an absent key: the function is
   * given none where there is no value or a stale one, and returns none to delete the key. No other write comes between the
   * read and the write: where another process changes the key meanwhile, the function runs again on the new value, after a
   * short random pause. Updates of one key in this process take turns. Two round trips for each attempt. Fails with
   * `CacheConflictError` after `attempts`, and with `CacheCodecError` where the value cannot be decoded. The function must
   * not have effects of its own, since it may run several times.
   */
  readonly update: (
    key: string,
    f: (current: Option.Option<A>) => Option.Option<A>,
    options?: UpdateOptions
  ) => Effect.Effect<Option.Option<A>, ValueError | CacheConflictError, RD | RE>
  /**
   * Stores the value where the key holds an equal of `expected`, in one step. None expects an absent or stale value. Returns false
   * where the key holds something else; nothing was written then. Two round trips.
   */
  readonly setIf: (
    key: string,
    expected: Option.Option<A>,
    value: A,
    options?: SetIfOptions<A>
  ) => Effect.Effect<boolean, ValueError, RD | RE>
}
