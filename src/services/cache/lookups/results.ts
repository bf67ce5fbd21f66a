/** A value with all that can be said of where it came from, or the value alone. */
import { Clock, Duration, Effect, Exit, Option } from "effect"
import type { LookupResult } from "../../operations/CacheLookups.ts"
import type { Found } from "../kernel/entry.ts"
import { isClaimed } from "./claim.ts"
import { ageIn } from "./staleOf.ts"
import { isStale, type Verdict } from "./verdict.ts"

/** What the key held, and what can be done with it; failed = there is a failure to fail with, unknown = the server did not say. */
export type Seen<A, F = never> =
  | {
      readonly found: Found<A> | undefined
      readonly verdict: Verdict | "unknown"
      readonly source: "near" | "server"
    }
  | {
      readonly found: Found<A> | undefined
      readonly verdict: "failed"
      readonly error: F
      readonly source: "server"
    }

/** What callers are given. */
export interface ResultForm<A, B> {
  /** The name of the operation that gives it. */
  readonly operation: string
  /** Of a value that is no more than that, and that nobody refreshes. */
  readonly plain: <R>(value: Effect.Effect<A, never, R>, source: Seen<A>["source"]) => Effect.Effect<B, never, R>
  /** Of a value that was seen. `isRefreshing`: in this process. */
  readonly held: (value: A, seen: Seen<A>, isRefreshing: boolean) => Effect.Effect<B>
  readonly result: (result: LookupResult<A>) => B
}

/** What a lookup has just given. */
export const resultOfLookup = <A>(value: A): LookupResult<A> => ({
  value,
  source: "lookup",
  isStale: false,
  age: Option.some(Duration.zero),
  isRefreshing: false
})

/** What a key held at that time. */
export const resultOfHeld = <A>(
  value: A,
  { found, source, verdict }: Seen<A>,
  isRefreshing: boolean,
  now: number
): LookupResult<A> => ({
  value,
  source,
  isStale: isStale(verdict),
  age: ageIn(found?.header, now),
  isRefreshing: isRefreshing || isClaimed(found, now)
})

/** The value alone. */
export const valueForm = <A>(): ResultForm<A, A> => ({
  operation: "getOrSet",
  plain: (value) => value,
  held: (value) => Exit.succeed(value),
  result: ({ value }) => value
})

/** All that is known. */
export const detailedForm = <A>(): ResultForm<A, LookupResult<A>> => ({
  operation: "getOrSetDetailed",
  plain: (value, source) =>
    Effect.mapEager(value, (value) => ({ ...resultOfLookup(value), source, age: Option.none() })),
  held: (value, seen, isRefreshing) =>
    Effect.map(Clock.currentTimeMillis, (now) => resultOfHeld(value, seen, isRefreshing, now)),
  result: (result) => result
})
