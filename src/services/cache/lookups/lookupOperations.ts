/** The operations that compute what is not cached. */
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Flights } from "./Flights.ts"
import { makeGetOrSet } from "./getOrSet.ts"
import { makeGetOrSetMany } from "./getOrSetMany.ts"
import { makeRefresh } from "./refresh.ts"
import type { SingleFlight } from "./SingleFlight.ts"

export const lookupOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights,
  flights: SingleFlight
): CacheLookups<A, RD, RE> => {
  const getOrSet = makeGetOrSet(context, allFlights, flights)
  return {
    getOrSet,
    cached: (key, options) => (lookup) => getOrSet(key, lookup, options),
    getOrSetMany: makeGetOrSetMany(context, allFlights),
    refresh: makeRefresh(context, allFlights, flights)
  }
}
