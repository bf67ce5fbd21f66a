/** Pipelines and transactions: typed operations that go out together. */
import type { Effect, Result } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { CacheQueue } from "./CacheQueue.ts"

/**
 * A tuple or a record of operations, which may be mapped.
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export type Queued =
  | ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>
  | Readonly<Record<string, Effect.Effect<unknown, unknown, unknown>>>

/** One of the operations of a tuple or a record. */
type Member<T extends Queued> = T extends ReadonlyArray<infer M> ? M : T[keyof T]
/** What an operation succeeds with. */
type SuccessOf<T> = T extends Effect.Effect<infer A, infer _E, infer _R> ? A : never
/** What an operation fails with. */
type FailureOf<T> = T extends Effect.Effect<infer _A, infer E, infer _R> ? E : never
/** Editors show the name where an error may be each of the cache's. */
type Named<E> = [E, CacheError] extends [CacheError, E] ? CacheError : E
/** The services that an operation needs. */
type ServicesOf<T> = T extends Effect.Effect<infer _A, infer _E, infer R> ? R : never

/**
 * What the queued operations become, in the same tuple or record. With `mode: "result"` each one has its own `Result`.
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export type QueueReturn<T extends Queued, M extends "default" | "result"> = M extends "result"
  ? Effect.Effect<
      { -readonly [K in keyof T]: Result.Result<SuccessOf<T[K]>, FailureOf<T[K]>> },
      never,
      ServicesOf<Member<T>>
    >
  : Effect.Effect<{ -readonly [K in keyof T]: SuccessOf<T[K]> }, Named<FailureOf<Member<T>>>, ServicesOf<Member<T>>>

/**
 * The operations of a cache that send several operations together.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   const { visits } = yield* cache.pipeline((queue) => ({
 *     visits: queue.incr("visits", 1, { initial: 0 }),
 *     last: queue.set("last", "ada")
 *   }))
 *   console.log(visits)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => 1
 * ```
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface CachePipelines<A, RD = never, RE = never> {
  /**
   * Sends operations in one write. The function queues a tuple or a record of operations, and the pipeline returns a tuple or a
   * record of their results. The operations are independent of each other: if one fails, the others run all the same, and the
   * pipeline fails with the first failure. With `mode: "result"` it never fails, and returns each one's success or failure.
   */
  readonly pipeline: <const T extends Queued, M extends "default" | "result" = "default">(
    queue: (queue: CacheQueue<A, RD, RE>) => T,
    options?: { readonly mode?: M | undefined }
  ) => QueueReturn<T, M>
  /**
   * Does what `pipeline` does, as one step that no other command comes between (MULTI). Nothing is sent where one of the
   * operations is refused before. An operation that fails on the server does not undo the others, and the error says so. In a
   * cluster all keys need one slot.
   */
  readonly transaction: <const T extends Queued>(
    queue: (queue: CacheQueue<A, RD, RE>) => T
  ) => QueueReturn<T, "default">
}
