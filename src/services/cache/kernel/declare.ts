/** What an operation declares of itself to policies. */
import { Option } from "effect"
import type { Operation, Tally } from "../../CachePolicy.ts"

export const declare = <A>(name: string, key: string | undefined, neutral: A): Operation<A> => ({
  name,
  key,
  neutral: Option.some(neutral)
})

export const hitOrMiss = (found: Option.Option<unknown>): Tally => (Option.isSome(found) ? { hits: 1 } : { misses: 1 })

export const declareRead = <A>(name: string, key: string): Operation<Option.Option<A>> => ({
  ...declare(name, key, Option.none<A>()),
  tally: hitOrMiss
})

export const declareWrite = (name: string, key: string): Operation<boolean> => ({
  ...declare(name, key, false),
  tally: (stored) => ({ stores: Number(stored) })
})
