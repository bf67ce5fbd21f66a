/** Pipelines and transactions: typed operations that go out together. */
import type { Effect, Result } from "effect"
import type { CacheHash } from "./CacheHash.ts"
import type { CacheList } from "./CacheList.ts"
import type { CacheSet } from "./CacheSet.ts"
import type { CacheSortedSet } from "./CacheSortedSet.ts"
import type { CacheStream, CacheStreamGroup } from "./CacheStream.ts"
import type { TypedCache } from "./CacheService.ts"

type OneStep =
  | "get"
  | "set"
  | "getAndSet"
  | "getAndDelete"
  | "add"
  | "delete"
  | "has"
  | "incr"
  | "decr"
  | "incrFloat"
  | "touch"
  | "expire"
  | "expireAt"
  | "persist"
  | "ttl"
  | "typeOf"
  | "script"

type KeyOptionsOf<A, RD, RE> = Parameters<TypedCache<A, RD, RE>["hash"]>[1]

/** The operations that need one step on the server, and so can be queued. What they give comes when the queue has run. */
export interface CacheQueue<A, RD = never, RE = never> extends Pick<TypedCache<A, RD, RE>, OneStep> {
  readonly hash: (key: string, options?: KeyOptionsOf<A, RD, RE>) => Omit<CacheHash<A, RD, RE>, "scan">
  readonly list: (
    key: string,
    options?: KeyOptionsOf<A, RD, RE>
  ) => Omit<CacheList<A, RD, RE>, "awaitLeft" | "awaitRight">
  readonly unorderedSet: (key: string, options?: KeyOptionsOf<A, RD, RE>) => Omit<CacheSet<A, RD, RE>, "scan">
  readonly sortedSet: (key: string, options?: KeyOptionsOf<A, RD, RE>) => Omit<CacheSortedSet<A, RD, RE>, "scan">
  readonly stream: (
    key: string,
    options?: KeyOptionsOf<A, RD, RE>
  ) => Omit<CacheStream<A, RD, RE>, "follow" | "group"> & {
    readonly group: (name: string) => Omit<CacheStreamGroup<A, RD>, "consume">
  }
  /** The same queue, for values of a schema. */
  readonly withSchema: <S extends Parameters<TypedCache<A, RD, RE>["withSchema"]>[0]>(
    schema: S
  ) => CacheQueue<S["Type"], S["DecodingServices"], S["EncodingServices"]>
  readonly withOptions: (options: Parameters<TypedCache<A, RD, RE>["withOptions"]>[0]) => CacheQueue<A, RD, RE>
}

/** A tuple or a record of operations, which may be mapped. */
export type Queued =
  | ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>
  | Readonly<Record<string, Effect.Effect<unknown, unknown, unknown>>>

type Member<T extends Queued> = T extends ReadonlyArray<infer M> ? M : T[keyof T]
type SuccessOf<T> = T extends Effect.Effect<infer A, infer _E, infer _R> ? A : never
type FailureOf<T> = T extends Effect.Effect<infer _A, infer E, infer _R> ? E : never
type ServicesOf<T> = T extends Effect.Effect<infer _A, infer _E, infer R> ? R : never

/** What becomes of them, in the form they have; with `mode: "result"` each for itself. */
export type QueueReturn<T extends Queued, M extends "default" | "result"> = Effect.Effect<
  {
    -readonly [K in keyof T]: M extends "result" ? Result.Result<SuccessOf<T[K]>, FailureOf<T[K]>> : SuccessOf<T[K]>
  },
  M extends "result" ? never : FailureOf<Member<T>>,
  ServicesOf<Member<T>>
>
