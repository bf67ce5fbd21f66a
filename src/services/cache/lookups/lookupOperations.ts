/** The operations that compute what is not cached. */
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import { failuresOf } from "./Failures.ts"
import type { Flights } from "./Flights.ts"
import { makeGetOrSet } from "./getOrSet.ts"
import { makeGetOrSetMany } from "./getOrSetMany.ts"
import { makeRefresh } from "./refresh.ts"
import { detailedForm, valueForm } from "./results.ts"
import type { SingleFlight } from "./SingleFlight.ts"

export const lookupOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights,
  flights: SingleFlight
): CacheLookups<A, RD, RE> => {
  const failures = failuresOf(context)
  const getOrSet = makeGetOrSet(context, allFlights, flights, failures)
  const value = valueForm<A>()
  const detailed = detailedForm<A>()
  return {
    getOrSet: (key, lookup, options) => getOrSet(value, key, lookup, options),
    getOrSetDetailed: (key, lookup, options) => getOrSet(detailed, key, lookup, options),
    cached: (key, options) => (lookup) => getOrSet(value, key, lookup, options),
    getOrSetMany: makeGetOrSetMany(context, allFlights, flights, failures),
    refresh: makeRefresh(context, allFlights, flights, failures)
  }
}
