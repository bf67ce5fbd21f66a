/** The lookup's value, whatever is cached. */
import { Effect } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { FailuresOf } from "./Failures.ts"
import type { Flights } from "./Flights.ts"
import type { Ticket } from "./FlightTable.ts"
import { keepAnyway, keepOver } from "./keep.ts"
import { lookupPlan } from "./LookupPlan.ts"
import { lookupAndStore } from "./lookupAndStore.ts"
import { flightOf, plannedTags, type TagBasis, tagsBefore } from "./lookupTags.ts"
import type { SingleFlight } from "./SingleFlight.ts"

export const makeRefresh = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights,
  flights: SingleFlight,
  failuresOf: FailuresOf
): CacheLookups<A, RD, RE>["refresh"] => {
  const { client, defaults, finalKey, inFlight, policy } = context

  return (key, lookup, options = {}) =>
    Effect.flatMapEager(finalKey("refresh", key, options), (final) =>
      Effect.flatMapEager(lookupPlan<A>("refresh", options, defaults), (plan) =>
        Effect.flatMapEager(failuresOf("refresh", options.cacheFailures), (failures) => {
          const entry: EntryName = { operation: "refresh", key, final }
          return Effect.suspend(() => {
            // What is under way may have begun before what made the caller ask.
            inFlight.outdate(final)
            const share = (basis: TagBasis) => {
              const work = (ticket: Ticket) => {
                const isCurrent = () => !ticket.outdated
                const keep = keepAnyway(client, final, isCurrent)
                // What is cached stays, so that a failure is stored only where there is nothing.
                const failing = failures && { failures, keep: keepOver(client, final, undefined, isCurrent) }
                return lookupAndStore(context, allFlights, { entry, plan, lookup, keep, failing }, ticket, basis)
              }
              const shared = flights.share(entry, work, { observe: policy?.observe, basis: flightOf(basis) })
              return Effect.map(shared, ({ value }) => value)
            }
            if (plan.tags === undefined) return share(undefined)
            return Effect.flatMap(tagsBefore(context, "refresh", key, plan, plannedTags(plan)), share)
          })
        })
      )
    )
}
