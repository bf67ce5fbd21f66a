/** What an operation declares of itself to policies. */
import { Option } from "effect"
import type { Operation, Tally } from "../../CachePolicy.ts"

export const declare = <A>(name: string, key: string | undefined, neutral: A): Operation<A> => ({
  name,
  key,
  neutral: Option.some(neutral)
})

// Every operation is declared, so that what is always the same is made once.

const hit: Tally = { hits: 1 }
const miss: Tally = { misses: 1 }
const oneStore: Tally = { stores: 1 }
const noStore: Tally = { stores: 0 }
const nothingFound: Option.Option<Option.Option<never>> = Option.some(Option.none())
const nothingWritten = Option.some(false)

export const hitOrMiss = (found: Option.Option<unknown>): Tally => (Option.isSome(found) ? hit : miss)

const storeOrNone = (stored: boolean): Tally => (stored ? oneStore : noStore)

export const declareRead = <A>(name: string, key: string): Operation<Option.Option<A>> => ({
  name,
  key,
  neutral: nothingFound,
  tally: hitOrMiss
})

export const declareWrite = (name: string, key: string): Operation<boolean> => ({
  name,
  key,
  neutral: nothingWritten,
  tally: storeOrNone
})
