/** The cached value, or the lookup's. */
import { Clock, Effect, Exit, Option, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { Operation, Tally } from "../../CachePolicy.ts"
import type { CacheLookups, Lookup } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Found, foundIn, plainValue } from "../kernel/entry.ts"
import { type Acquired, withClaim } from "./claim.ts"
import type { Flights } from "./Flights.ts"
import { type Keep, keepNothing, keepOver } from "./keep.ts"
import { inBackground, lookupAndStore } from "./lookupAndStore.ts"
import { type LookupPlan, lookupPlan } from "./LookupPlan.ts"
import { count } from "../kernel/metrics.ts"
import { foundRead } from "../kernel/nearReads.ts"
import { flightOf, type TagBasis, tagsBefore } from "./lookupTags.ts"
import { freshNear, type NearFound, nearFound, nearIn, type Untold } from "./nearFound.ts"
import type { Ticket } from "./FlightTable.ts"
import type { SingleFlight } from "./SingleFlight.ts"
import { isStale, type Verdict, verdictAt, verdictOf } from "./verdict.ts"

export const makeGetOrSet = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights,
  flights: SingleFlight
): CacheLookups<A, RD, RE>["getOrSet"] => {
  const { client, codec, defaults, finalKey, guard, guardNear, metrics, observe, policy, readOptions, scope, tags } =
    context
  const { failedRefreshes } = allFlights
  const nearHere = nearIn(context)

  const judged = (found: Found<A> | undefined, plan: LookupPlan<A>, { final }: EntryName, drawn?: number) =>
    Effect.map(verdictOf(found, plan, failedRefreshes, final, drawn), (verdict): Seen<A> => ({ found, verdict }))

  /** What follows when the key holds nothing that can be served as it is. */
  const serve = <E, R>(
    entry: EntryName,
    plan: LookupPlan<A>,
    lookup: Lookup<A, E, R>,
    read: Effect.Effect<Found<A> | undefined, CommandError, RD>,
    { found, verdict }: Seen<A>
  ): Effect.Effect<A, E | CommandError, Exclude<R, Scope.Scope> | RD | RE> => {
    const { final } = entry
    const work = (ticket: Ticket, basis: TagBasis): Effect.Effect<A, E, Exclude<R, Scope.Scope> | RD | RE> => {
      const asked = lookupOf(lookup, found)
      const lookUp = (keep: Keep) => lookupAndStore(context, allFlights, entry, plan, asked, keep, ticket, basis)
      // A server that did not answer the read is not waited for once more.
      if (!plan.cluster || verdict === "unknown") return lookUp(keepOver(client, final, found, () => !ticket.outdated))
      const usable = (found: Found<A>, now: number) =>
        verdictAt(found, plan, now) === "miss" ? Option.none() : found.value
      const guardClaim = (acquire: Effect.Effect<Acquired<A>, CommandError, RD>) =>
        guard<Acquired<A>, CommandError, RD>(
          { name: "getOrSet.claim", key: entry.key, neutral: Option.some({ _tag: "Unclaimed" }) },
          acquire
        )
      const target = { client, final, scope, read, usable, guard: guardClaim }
      return withClaim<A, E, Exclude<R, Scope.Scope> | RE, RD>(target, found, (claim) => lookUp(claim ?? keepNothing))
    }
    const basisOf = () => tagsBefore(context, entry.operation, entry.key, plan)
    if (verdict === "miss" || verdict === "unknown" || found === undefined || Option.isNone(found.value)) {
      const { waitFor } = plan
      const share = (basis: TagBasis) =>
        flights.share(entry, (ticket) => work(ticket, basis), {
          onJoin: count(metrics.lookups_shared),
          waitFor,
          observe: policy?.observe,
          basis: flightOf(plan, basis)
        })
      if (plan.tags === undefined) return share(undefined)
      // A server that did not answer the read is not asked for tags either.
      return verdict === "unknown" ? share("unknown") : Effect.flatMap(basisOf(), share)
    }
    const { value } = found.value
    if (verdict === "fresh") return Exit.succeed(value)
    const begin = (ticket: Ticket) =>
      plan.tags === undefined
        ? work(ticket, undefined)
        : Effect.flatMap(basisOf(), (basis) => {
            ticket.basis = flightOf(plan, basis)
            return work(ticket, basis)
          })
    const refresh = (ticket: Ticket) => {
      const counted = inBackground(Effect.andThen(count(metrics.refreshes), begin(ticket)))
      return Effect.onExit(observe("refresh", ticket.observed, counted), (exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          if (Exit.isSuccess(exit)) failedRefreshes.succeeded(final)
          else if (!Exit.hasInterrupts(exit)) failedRefreshes.failed(final, now + plan.errorBackoff)
        })
      )
    }
    const refreshing = flights.start(entry, refresh, plan.tags && {})
    if (verdict === "early") return Effect.as(refreshing, value)
    const stale = Effect.as(count(metrics.stale_served), value)
    if (verdict === "claimed" || verdict === "resting") return stale
    return Effect.flatMap(refreshing, (refreshed) => {
      if (plan.softTimeout === 0) return stale
      const soon = Effect.timeoutOption(Effect.exit(refreshed), plan.softTimeout)
      return Effect.flatMap(soon, (exit) => (Option.isSome(exit) && Exit.isSuccess(exit.value) ? exit.value : stale))
    })
  }

  return (key, lookup, options = {}) => {
    const final = finalKey("getOrSet", key, options)
    if (!Exit.isSuccess(final)) return Exit.failCause(final.cause)
    const checked = lookupPlan<A>("getOrSet", options, defaults)
    if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
    const plan = checked.value
    const entry: EntryName = { operation: "getOrSet", key, final: final.value }
    const find = foundIn(context, entry, tags.judge)
    const read = () => client.request("GET", [entry.final], find, readOptions)
    if (nearHere !== undefined) {
      const { near } = nearHere
      return Effect.withFiber((caller) => {
        const isNear = options.near !== false
        const known = isNear ? nearFound(nearHere, entry, plan, caller) : undefined
        if (known?._tag === "Value" && policy?.forNear === undefined) return Exit.succeed(known.value)
        if (known?._tag === "Value" || known?._tag === "Absent") {
          const seen = guardNear({ ...declareLookup<A>(key), near: 1 }, Exit.succeed(seenNear(known)))
          return Effect.flatMapEager(seen, (seen) => serve(entry, plan, lookup, read(), seen))
        }
        const { judge } = isNear ? nearHere.nearTags : tags
        const fromServer = (freshUntil: number | undefined) =>
          Effect.flatMapEager(
            near.isFor(entry.final)
              ? Effect.flatMap(near.read(entry.final, isNear), (read) => foundRead(near, context, entry, read, judge))
              : read(),
            (found) => judged(found, plan, entry, freshUntil)
          )
        /** The value need not be read again where its tags are live. */
        const toldOf = ({ kept, stamp }: Untold) =>
          Effect.flatMap(judge(stamp), (verdict) => {
            const fresh = verdict === "live" ? freshNear(near, entry, kept, plan, caller) : undefined
            return fresh?._tag === "Value" ? Exit.succeed(seenNear(fresh)) : fromServer(fresh?.freshUntil)
          })
        const seen = guard(
          declareLookup<A>(key),
          known?._tag === "Untold" ? toldOf(known) : fromServer(known?.freshUntil)
        )
        return Effect.flatMap(seen, (seen) => serve(entry, plan, lookup, read(), seen))
      })
    }
    if (policy === undefined) {
      // A hit is one step of the fiber.
      return client.request(
        "GET",
        [entry.final],
        (reply) =>
          plainValue(codec, entry, reply) ??
          Effect.flatMapEager(find(reply), (found) =>
            Effect.flatMapEager(verdictOf(found, plan, failedRefreshes, entry.final), (verdict) =>
              serve(entry, plan, lookup, read(), { found, verdict })
            )
          ),
        readOptions
      )
    }
    const guarded = policy(
      declareLookup<A>(key),
      Effect.flatMapEager(read(), (found) => judged(found, plan, entry))
    )
    return Effect.flatMap(guarded, (seen) => serve(entry, plan, lookup, read(), seen))
  }
}

/** The lookup, which is shown the value that it is to replace if it asks for it. */
const lookupOf = <A, E, R>(lookup: Lookup<A, E, R>, found: Found<A> | undefined): Effect.Effect<A, E, R> =>
  Effect.isEffect(lookup) ? lookup : Effect.suspend(() => lookup(found?.value ?? Option.none()))

/** What the key held, and what can be done with it; unknown = the server did not say. */
interface Seen<A> {
  readonly found: Found<A> | undefined
  readonly verdict: Verdict | "unknown"
}

/** What a near value or a known absence is: a value that is kept is fresh, and is not replaced, so that its stored form is not needed. */
const seenNear = <A>(known: Exclude<NearFound<A>, { readonly _tag: "Early" | "Untold" }>): Seen<A> =>
  known._tag === "Absent"
    ? { found: undefined, verdict: "miss" }
    : { found: { stored: "", header: undefined, value: Option.some(known.value), isOutdated: false }, verdict: "fresh" }

const unanswered = Option.some<Seen<never>>({ found: undefined, verdict: "unknown" })

const declareLookup = <A>(key: string): Operation<Seen<A>> => ({
  name: "getOrSet",
  key,
  neutral: unanswered,
  tally: tallyOf
})

const tallyOf = ({ verdict }: Seen<unknown>): Tally =>
  verdict === "miss" || verdict === "unknown" ? { misses: 1, stale: 0 } : { hits: 1, stale: Number(isStale(verdict)) }
