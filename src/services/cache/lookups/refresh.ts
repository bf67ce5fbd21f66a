/** The lookup's value, whatever is cached. */
import { Effect } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import { lookupPlan } from "./LookupPlan.ts"
import { keepCurrent, lookupAndStore } from "./lookupAndStore.ts"
import type { SingleFlight } from "./SingleFlight.ts"

export const makeRefresh = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  flights: SingleFlight
): CacheLookups<A, RD, RE>["refresh"] => {
  const { defaults, finalKey, inFlight } = context

  return (key, lookup, options = {}) =>
    Effect.flatMapEager(finalKey("refresh", key, options), (final) =>
      Effect.flatMapEager(lookupPlan<A>("refresh", options, defaults), (plan) => {
        const entry: EntryName = { operation: "refresh", key, final }
        return Effect.suspend(() => {
          // What is under way may have begun before what made the caller ask.
          inFlight.outdate(final)
          return flights.share(final, (ticket) =>
            lookupAndStore(context, entry, plan, lookup, keepCurrent(context, entry, ticket))
          )
        })
      })
    )
}
