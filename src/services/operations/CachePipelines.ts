/** Pipelines and transactions: typed operations that go out together. */
import type { Effect, Result } from "effect"
import type { CacheQueue } from "./CacheQueue.ts"

/** A tuple or a record of operations, which may be mapped. */
export type Queued =
  | ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>
  | Readonly<Record<string, Effect.Effect<unknown, unknown, unknown>>>

/** Any one of the operations of a tuple or a record. */
type Member<T extends Queued> = T extends ReadonlyArray<infer M> ? M : T[keyof T]
/** What an operation succeeds with. */
type SuccessOf<T> = T extends Effect.Effect<infer A, infer _E, infer _R> ? A : never
/** What an operation fails with. */
type FailureOf<T> = T extends Effect.Effect<infer _A, infer E, infer _R> ? E : never
/** The services that an operation needs. */
type ServicesOf<T> = T extends Effect.Effect<infer _A, infer _E, infer R> ? R : never

/** What becomes of them, in the form they have; with `mode: "result"` each for itself. */
export type QueueReturn<T extends Queued, M extends "default" | "result"> = Effect.Effect<
  {
    -readonly [K in keyof T]: M extends "result" ? Result.Result<SuccessOf<T[K]>, FailureOf<T[K]>> : SuccessOf<T[K]>
  },
  M extends "result" ? never : FailureOf<Member<T>>,
  ServicesOf<Member<T>>
>

/** The operations of a cache that send several operations together. */
export interface CachePipelines<A, RD = never, RE = never> {
  /**
   * Operations in one write: a tuple or record of what the function queues gives one of what they give. Each is for
   * itself: the first failure is told though others ran; with `mode: "result"` each one's success or failure is told.
   */
  readonly pipeline: <const T extends Queued, M extends "default" | "result" = "default">(
    queue: (queue: CacheQueue<A, RD, RE>) => T,
    options?: { readonly mode?: M | undefined }
  ) => QueueReturn<T, M>
  /**
   * The same as one step that nobody comes between (MULTI). Nothing is sent where a part is refused before; one that
   * fails on the server does not undo the others, and the error says so. In a cluster all keys are in one slot.
   */
  readonly transaction: <const T extends Queued>(
    queue: (queue: CacheQueue<A, RD, RE>) => T
  ) => QueueReturn<T, "default">
}
