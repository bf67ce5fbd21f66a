/** getOrSet: the cached value, or the lookup's. */
import { Clock, Effect, Exit, Option } from "effect"
import type { CacheError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/Frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { TypedCache } from "../../CacheService.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Found, foundIn, plainValue } from "../kernel/entry.ts"
import { type Acquired, isClaimed, withLease } from "./claim.ts"
import { isEarly, type LookupPlan, lookupPlan } from "./lookupPlan.ts"
import { count, metrics } from "../kernel/metrics.ts"
import * as replies from "../kernel/replies.ts"
import type { Ticket } from "./SingleFlight.ts"
import { setArguments, timingFor } from "../values/values.ts"

export const lookupOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>
): Pick<TypedCache<A, RD, RE>, "getOrSet" | "refresh"> => {
  const { allFlights, client, codec, defaults, finalKey, flights, guard, policy, readOptions, scope } = context

  const keepCurrent =
    ({ final, operation }: EntryName, ticket: Ticket): Keep =>
    (encoded, lifetime) => {
      if (ticket.outdated) return Exit.succeed(false)
      return lifetime === 0
        ? Effect.as(client.send("UNLINK", [final]), true)
        : client.request("SET", setArguments(final, encoded, lifetime), replies.done(operation))
    }

  /** What follows when the key holds nothing that can be served as it is. */
  const serve = <E, R>(
    entry: EntryName,
    plan: LookupPlan<A>,
    lookup: Effect.Effect<A, E, R>,
    read: Effect.Effect<Found<A> | undefined, CacheError, RD>,
    found: Found<A> | undefined
  ): Effect.Effect<A, E | CacheError, R | RD | RE> => {
    const { final } = entry
    const work = (ticket: Ticket): Effect.Effect<A, E, R | RD | RE> => {
      const lookUp = (keep: Keep) => lookupAndStore(context, entry, plan, lookup, keep)
      if (!plan.cluster) return lookUp(keepCurrent(entry, ticket))
      const usable = (found: Found<A>, now: number) =>
        verdictAt(found, plan, now) === "miss" ? Option.none() : found.value
      const guardLease = (acquire: Effect.Effect<Acquired<A>, CacheError, RD>) =>
        guard<Acquired<A>, RD>(
          { name: "getOrSet.lease", key: entry.key, neutral: Option.some({ _tag: "Unleased" }) },
          acquire
        )
      const target = { client, final, scope, read, usable, guard: guardLease }
      return withLease<A, E, R | RE, RD>(target, found, (lease) => lookUp(lease?.store ?? keepNothing))
    }
    const refreshing = flights.start(final, (ticket) => Effect.andThen(count(metrics.refreshes), work(ticket)))
    return Effect.flatMapEager(verdictOf(found, plan), (verdict): Effect.Effect<A, E, R | RD | RE> => {
      if (verdict === "miss" || found === undefined || Option.isNone(found.value)) {
        return flights.share(final, work, count(metrics.shared))
      }
      const { value } = found.value
      if (verdict === "fresh") return Exit.succeed(value)
      if (verdict === "early") return Effect.as(refreshing, value)
      const stale = Effect.as(count(metrics.staleServed), value)
      if (verdict === "claimed") return stale
      return Effect.flatMap(refreshing, (refreshed) => {
        if (plan.softTimeout === 0) return stale
        const soon = Effect.timeoutOption(Effect.exit(refreshed), plan.softTimeout)
        return Effect.flatMap(soon, (exit) => (Option.isSome(exit) && Exit.isSuccess(exit.value) ? exit.value : stale))
      })
    })
  }

  const getOrSet: TypedCache<A, RD, RE>["getOrSet"] = (key, lookup, options = {}) => {
    const final = finalKey("getOrSet", key, options)
    if (!Exit.isSuccess(final)) return Exit.failCause(final.cause)
    const checked = lookupPlan<A>("getOrSet", options, defaults)
    if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
    const plan = checked.value
    const entry: EntryName = { operation: "getOrSet", key, final: final.value }
    const find = foundIn(codec, entry)
    const read = () => client.request("GET", [entry.final], find, readOptions)
    if (policy === undefined) {
      // A hit is one step of the fiber.
      return client.request(
        "GET",
        [entry.final],
        (reply) =>
          plainValue(codec, entry, reply) ??
          Effect.flatMapEager(find(reply), (found) => serve(entry, plan, lookup, read(), found)),
        readOptions
      )
    }
    const guarded = policy({ name: "getOrSet", key, neutral: Option.some(undefined), tally: tallyOf }, read())
    return Effect.flatMap(guarded, (found) => serve(entry, plan, lookup, read(), found))
  }

  const refresh: TypedCache<A, RD, RE>["refresh"] = (key, lookup, options = {}) =>
    Effect.flatMapEager(finalKey("refresh", key, options), (final) =>
      Effect.flatMapEager(lookupPlan<A>("refresh", options, defaults), (plan) => {
        const entry: EntryName = { operation: "refresh", key, final }
        return Effect.suspend(() => {
          // What is under way may have begun before what made the caller ask.
          allFlights.outdate(final)
          return flights.share(final, (ticket) =>
            lookupAndStore(context, entry, plan, lookup, keepCurrent(entry, ticket))
          )
        })
      })
    )

  return { getOrSet, refresh }
}

/** fresh = serve it; early = and refresh it; stale = refresh it, and serve it meanwhile; claimed = stale, and being refreshed elsewhere. */
export type Verdict = "fresh" | "early" | "stale" | "claimed" | "miss"

/** What can be said without drawing lots. */
const verdictAt = <A>(found: Found<A>, plan: LookupPlan<A>, now: number): Verdict => {
  if (Option.isNone(found.value)) return "miss"
  const timing = found.header?.timing
  if (timing === undefined || now < timing.freshUntil) return "fresh"
  if (now >= timing.freshUntil + plan.staleFor) return "miss"
  return isClaimed(found, now) ? "claimed" : "stale"
}

export const verdictOf = <A>(found: Found<A> | undefined, plan: LookupPlan<A>): Effect.Effect<Verdict> => {
  if (found === undefined) return Exit.succeed("miss")
  const timing = found.header?.timing
  if (timing === undefined) return Exit.succeed(verdictAt(found, plan, 0))
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const verdict = verdictAt(found, plan, now)
    if (verdict !== "fresh" || plan.earlyRefresh === undefined || isClaimed(found, now)) return Exit.succeed(verdict)
    return Effect.map(isEarly(plan.earlyRefresh, timing, now), (early) => (early ? "early" : "fresh"))
  })
}

/** Stores what was looked up; false where it is not to be stored. */
type Keep = (encoded: Stored, lifetime: number) => Effect.Effect<boolean, CacheError>

const keepNothing: Keep = () => Exit.succeed(false)

const tallyOf = (found: Found<unknown> | undefined) =>
  found === undefined || Option.isNone(found.value) ? { misses: 1 } : { hits: 1 }

/** The lookup's value. What happens to it then is nobody's failure. */
const lookupAndStore = <A, E, R, RD, RE>(
  context: CacheContext<A, RD, RE>,
  entry: EntryName,
  plan: LookupPlan<A>,
  lookup: Effect.Effect<A, E, R>,
  keep: Keep
): Effect.Effect<A, E, R | RE> =>
  Effect.flatMap(timedLookup(lookup), ([value, cost]) => {
    const store = Effect.flatMap(encodeTimed(context, entry, plan, value, cost), ([encoded, lifetime]) =>
      keep(encoded, lifetime)
    )
    const stored = context.guard(
      {
        name: `${entry.operation}.store`,
        key: entry.key,
        neutral: Option.some(false),
        tally: (done) => ({ stores: Number(done) })
      },
      store
    )
    return Effect.matchEffect(stored, {
      onSuccess: (done) => (done ? Effect.succeed(value) : Effect.as(count(metrics.discarded), value)),
      onFailure: (error) => Effect.as(storeFailed(error), value)
    })
  })

export const storeFailed = (error: CacheError): Effect.Effect<void> =>
  Effect.andThen(
    count(metrics.storeFailures),
    Effect.logDebug("getOrSet: the value could not be stored", error.message)
  )

/** The result, and what it took in milliseconds. */
export const timedLookup = <A, E, R>(lookup: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.clockWith((clock) => {
    const started = clock.currentTimeMillisUnsafe()
    return Effect.andThen(
      count(metrics.lookups),
      Effect.map(
        Effect.tapError(lookup, () => count(metrics.lookupFailures)),
        (value) => [value, clock.currentTimeMillisUnsafe() - started] as const
      )
    )
  })

/** What is stored of a value, and for how long the server keeps it. */
export const encodeTimed = <A, RD, RE>(
  { codec }: CacheContext<A, RD, RE>,
  entry: EntryName,
  plan: LookupPlan<A>,
  value: A,
  cost: number
): Effect.Effect<readonly [Stored, number], CacheError, RE> =>
  Effect.flatMap(plan.timeToLive(value), (timeToLive) =>
    Effect.flatMap(plan.timed ? timingFor(timeToLive, cost) : Exit.succeed(undefined), (timing) => {
      const lifetime = timing === undefined ? timeToLive : timeToLive + plan.staleFor
      return Effect.map(codec.encode(entry, value, timing), (encoded) => [encoded, lifetime] as const)
    })
  )
