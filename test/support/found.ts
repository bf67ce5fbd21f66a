/** What a key holds, for tests of lookups whose values are stored by and by. */
import { Effect, Option } from "effect"
import type { TypedCache } from "effect-vcache"
import { until } from "./until.ts"

export const isNone = <A>(cache: Pick<TypedCache<A>, "get">, key: string) => Effect.map(cache.get(key), Option.isNone)

/** Until the cache gives the value. */
export const holds = <A>(cache: Pick<TypedCache<A>, "get">, key: string, value: A) =>
  until(`${key} in the cache`, cache.get(key), (found) => Option.contains(found, value), { every: 1 })
