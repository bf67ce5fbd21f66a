/** The cached values, and one lookup for all that are missing. */
import { Effect, Exit, Option, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheLookups, LookupResult } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import { count } from "../kernel/metrics.ts"
import { entriesOf } from "../kernel/readMany.ts"
import { BatchFlights, type BatchTicket, type Outcomes } from "./BatchFlights.ts"
import { type BatchLooking, batchLookup, knownBatchTags } from "./batchLookup.ts"
import { type BatchCall, batchReads, type SeenKey } from "./batchReads.ts"
import { serverRest } from "./FailedRefreshes.ts"
import type { FailuresOf } from "./Failures.ts"
import type { Flights } from "./Flights.ts"
import { inBackground } from "./lookupAndStore.ts"
import { lookupPlan } from "./LookupPlan.ts"
import { flightOf, tagsBefore } from "./lookupTags.ts"
import type { SingleFlight } from "./SingleFlight.ts"

const operation = "getOrSetMany"
const nothing: Outcomes<never, never> = new Map()

export const makeGetOrSetMany = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights,
  singleFlight: SingleFlight,
  failuresOf: FailuresOf
): CacheLookups<A, RD, RE>["getOrSetMany"] => {
  const { defaults, metrics, observe, policy } = context
  const { failedRefreshes } = allFlights
  const flights = new BatchFlights(singleFlight)
  const reads = batchReads(context, failedRefreshes)

  const basisOf = <E, R, F, G>({ plan, seen }: BatchLooking<A, E, R, F, G>) =>
    tagsBefore(context, operation, undefined, plan, knownBatchTags(plan, seen))

  /** Those that are looked up here, of all that were asked for. */
  const chosen = <E, R, F, G>(looking: BatchLooking<A, E, R, F, G>, entries: ReadonlyArray<EntryName>) => {
    const finals = new Set(entries.map(({ final }) => final))
    return { ...looking, seen: looking.seen.filter(({ entry }) => finals.has(entry.final)) }
  }

  const share = <E, R, F, G>(looking: BatchLooking<A, E, R, F, G>, isUnknown: boolean) => {
    const { plan, seen } = looking
    // A server that did not answer the read is not asked for tags either.
    const asked = isUnknown && plan.tags !== undefined ? Effect.succeed("unknown" as const) : basisOf(looking)
    return Effect.flatMap(asked, (basis) =>
      flights.share<LookupResult<A>, E, G, Exclude<R, Scope.Scope> | RE>(
        seen.map(({ entry }) => entry),
        (entries, ticket) => batchLookup(context, allFlights, chosen(looking, entries), ticket, basis),
        {
          basis: flightOf(basis),
          waitFor: plan.waitFor,
          onJoin: count(metrics.lookups_shared),
          observe: policy?.observe
        }
      )
    )
  }

  /** Over what the server has: of what was near the server is asked first. */
  const overServer = <E, R, F, G>(
    looking: BatchLooking<A, E, R, F, G>,
    call: BatchCall<A, F>
  ): Effect.Effect<BatchLooking<A, E, R, F, G>, CommandError, RD> => {
    const near = looking.seen.filter(({ isNear }) => isNear === true)
    if (near.length === 0) return Effect.succeed(looking)
    return Effect.map(reads.again(near, call), ({ ageing, missing }) => ({
      ...looking,
      seen: [...looking.seen.filter(({ isNear }) => isNear !== true), ...ageing, ...missing]
    }))
  }

  /** In the background. The inner effect waits for what becomes of it. */
  const refresh = <E, R, F, G>(looking: BatchLooking<A, E, R, F, G>, call: BatchCall<A, F>) => {
    const { plan, seen } = looking
    const resting = <B, E, R>(effect: Effect.Effect<B, E, R>, of: ReadonlyArray<EntryName>, millis: number) =>
      failedRefreshes.rest(
        effect,
        of.map(({ final }) => final),
        millis
      )
    const work = (entries: ReadonlyArray<EntryName>, { answer, tickets }: BatchTicket<LookupResult<A>, G>) => {
      const asked = overServer(chosen(looking, entries), call)
      const begun = Effect.flatMap(resting(asked, entries, Math.min(serverRest, plan.errorBackoff)), (own) => {
        if (own.seen.length === 0) return Effect.succeed(nothing)
        const looked = Effect.flatMap(basisOf(own), (basis) => {
          for (const { entry } of own.seen) {
            const ticket = tickets.get(entry.final)
            if (ticket !== undefined) ticket.basis = flightOf(basis)
          }
          return failedRefreshes.restFailed(
            batchLookup(context, allFlights, own, { answer, tickets }, basis),
            plan.errorBackoff
          )
        })
        const refreshed = own.seen.map(({ entry }) => entry)
        return resting(Effect.andThen(count(metrics.refreshes), looked), refreshed, plan.errorBackoff)
      })
      return observe("refresh", { operation, key: undefined }, inBackground(begun))
    }
    // Nobody joins it before it is known what it begins with.
    const isKnown = knownBatchTags(plan, seen) === undefined && !seen.some(({ isNear }) => isNear)
    return flights.start<LookupResult<A>, E | CommandError, G, Exclude<R, Scope.Scope> | RD | RE>(
      seen.map(({ entry }) => entry),
      work,
      isKnown ? undefined : {}
    )
  }

  return (keys, lookup, options = {}) =>
    Effect.flatMapEager(entriesOf(context, operation, keys, options), (entries) =>
      Effect.flatMapEager(lookupPlan<A>(operation, options, defaults), (plan) =>
        Effect.flatMapEager(failuresOf(operation, options.cacheFailures), (failures) => {
          const call = { entries, plan, failures, isNear: options.near !== false }
          return Effect.gen(function* () {
            const { ageing, failures: stored, isUnknown, missing, stale, values } = yield* reads.all(call)
            if (stale > 0) yield* count(metrics.stale_served, stale)
            const [failure] = stored
            if (stored.length > 0) return yield* Effect.fail(failure!)
            const looking = (seen: ReadonlyArray<SeenKey<A>>) => ({ seen, plan, lookup, failures })
            const refreshing = ageing.length === 0 ? undefined : yield* refresh(looking(ageing), call)
            const isPatient = refreshing !== undefined && plan.softTimeout > 0
            const refreshed = isPatient ? Effect.timeoutOption(refreshing, plan.softTimeout) : Effect.succeedNone
            if (missing.length === 0 && !isPatient) return values
            const lookedUp = missing.length === 0 ? Effect.succeed(nothing) : share(looking(missing), isUnknown)
            const [looked, soon] = yield* Effect.all([lookedUp, refreshed], { concurrency: isPatient ? 2 : 1 })
            // What has failed in the background leaves the old value.
            if (Option.isSome(soon)) add(values, ageing, soon.value)
            const failed = add(values, missing, looked)
            return failed === undefined ? values : yield* failed
          })
        })
      )
    )
}

/** The first failure of all of them, in the order of the keys. */
const add = <A, E>(
  values: Map<string, A>,
  seen: ReadonlyArray<SeenKey<A>>,
  outcomes: Outcomes<LookupResult<A>, E>
): Exit.Exit<never, E> | undefined => {
  let failed: Exit.Exit<never, E> | undefined
  for (const { entry } of seen) {
    const exit = outcomes.get(entry.final)
    if (exit === undefined) continue
    if (Exit.isSuccess(exit)) values.set(entry.key, exit.value.value)
    else failed ??= Exit.failCause(exit.cause)
  }
  return failed
}
