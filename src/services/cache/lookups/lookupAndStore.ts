/** A lookup, and the storing of what it gives. */
import { Cause, Effect, Exit, Option, type Scope } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/frame.ts"
import { noteLookupError } from "../../../schema/lookupErrors.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { LookupResult } from "../../operations/CacheLookups.ts"
import { LookedUp } from "../../operations/LookedUp.ts"
import type { CacheContext, CacheCore } from "../kernel/context.ts"
import { type CacheMetrics, count } from "../kernel/metrics.ts"
import { timingFor } from "../kernel/setCommand.ts"
import type { Failures } from "./Failures.ts"
import type { Flights } from "./Flights.ts"
import type { Ticket } from "./FlightTable.ts"
import type { Keep } from "./keep.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { bornBy, borneByFailure, type TagBasis } from "./lookupTags.ts"
import { resultOfLookup } from "./results.ts"

/** One lookup: what is looked up, and what becomes of what it gives. */
export interface Looking<A, E, R, F> {
  readonly entry: EntryName
  readonly plan: LookupPlan<A>
  readonly lookup: Effect.Effect<A | LookedUp<A>, E, R>
  readonly keep: Keep
  /** Where failures are stored; undefined where they are not. */
  readonly failing: { readonly failures: Failures<F>; readonly keep: Keep } | undefined
}

/** What is stored, and for how many milliseconds; `"refused"` where it is not to be stored. */
export type ToStore = readonly [Stored, number] | "refused"

/** The lookup's value. What happens to it then is nobody's failure, and nobody waits for it. */
export const lookupAndStore = <A, E, R, F, RD, RE>(
  context: CacheContext<A, RD, RE>,
  flights: Flights,
  looking: Looking<A, E, R, F>,
  ticket: Ticket,
  basis: TagBasis
): Effect.Effect<LookupResult<A>, E, Exclude<R, Scope.Scope> | RE> => {
  const { entry, keep, lookup, plan } = looking
  const { metrics } = context
  /** Stores what `encode` gives for what the lookup has ended with, and ends with that. */
  const storeThenEnd = <B, E>(exit: Exit.Exit<B, E>, encode: Effect.Effect<ToStore, ValueError, RE>, keep: Keep) => {
    const stored = context.guard(
      {
        name: `${entry.operation}.store`,
        key: entry.key,
        neutral: Option.some(false),
        tally: (done) => ({ stores: Number(done) })
      },
      Effect.flatMapEager(encode, (encoded) => (encoded === "refused" ? keep.nothing : keep.store(...encoded)))
    )
    const told = Effect.matchEffect(stored, {
      onSuccess: (done) => (done ? Effect.void : count(metrics.lookups_discarded)),
      onFailure: (error) => storeFailed(context, error, entry.key)
    })
    return flights.stores.answerThenStore(ticket, exit, told, context.scope)
  }
  const succeeded = ([given, cost]: readonly [A | LookedUp<A>, number]) => {
    const { key, operation } = entry
    flights.failedRefreshes.succeeded(entry.final)
    const answer = answerOf(given)
    const encoded = Effect.flatMapEager(bornBy(context, operation, plan, basis, [[key, answer]]), (borneBy) =>
      Effect.flatMapEager(borneBy(key), (stamp): Effect.Effect<ToStore, ValueError, RE> =>
        stamp === "refused" ? Exit.succeed(stamp) : encodeTimed(context, entry, plan, answer, cost, stamp)
      )
    )
    return storeThenEnd(Exit.succeed(resultOfLookup(answer.value)), encoded, keep)
  }
  const looked = timedLookup(metrics, context.observe("lookup", ticket.observed, lookup))
  const { failing } = looking
  if (failing === undefined) return Effect.flatMap(looked, succeeded)
  const { failures } = failing
  return Effect.matchCauseEffect(looked, {
    onSuccess: succeeded,
    onFailure: (cause) => {
      const error = onlyFailure(cause)
      if (error === undefined || !failures.accepts(error.value)) return Effect.failCause(cause)
      const encoded = encodeFailure(entry, plan, failures, error.value, basis)
      return storeThenEnd(Exit.failCause(cause), encoded, failing.keep)
    }
  })
}

/** What the lookup failed with, where that is all that happened. */
const onlyFailure = <E>({ reasons }: Cause.Cause<E>): { readonly value: E } | undefined => {
  const [reason] = reasons
  return reason !== undefined && reasons.length === 1 && Cause.isFailReason(reason)
    ? { value: reason.error }
    : undefined
}

export const encodeFailure = <A, F>(
  entry: EntryName,
  plan: LookupPlan<A>,
  failures: Failures<F>,
  error: F,
  basis: TagBasis
): Effect.Effect<ToStore, ValueError> => {
  const stamp = borneByFailure(basis)
  if (stamp === "refused") return Exit.succeed(stamp)
  return Effect.flatMapEager(plan.failureLifetime, (lifetime): Effect.Effect<ToStore, ValueError> =>
    lifetime === 0
      ? Exit.succeed("refused")
      : Effect.mapEager(failures.encode(entry, error, stamp), (encoded) => [encoded, lifetime] as const)
  )
}

/** The server's failures pass; what the program is to blame for stays, and is told. */
export const storeFailed = (
  { metrics, unstorable }: Pick<CacheCore, "metrics" | "unstorable">,
  error: ValueError,
  key: string | undefined
): Effect.Effect<void> =>
  Effect.andThen(
    count(metrics.store_failures),
    error._tag === "CacheCodecError" || error._tag === "CacheInputError"
      ? unstorable.tell(error, key)
      : Effect.logDebug("getOrSet: the value could not be stored", error.message)
  )

/** The result, and what it took in milliseconds. What the lookup acquires is released when it ends. */
export const timedLookup = <A, E, R>(
  metrics: CacheMetrics,
  lookup: Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, number], E, Exclude<R, Scope.Scope>> =>
  Effect.clockWith((clock) => {
    const started = clock.currentTimeMillisUnsafe()
    const told = Effect.onExit(Effect.scoped(lookup), (exit) => {
      if (Exit.isSuccess(exit) || Exit.hasInterrupts(exit)) return Effect.void
      for (const reason of exit.cause.reasons) if (Cause.isFailReason(reason)) noteLookupError(reason.error)
      return count(metrics.lookup_failures)
    })
    return Effect.andThen(
      count(metrics.lookups),
      Effect.map(told, (value) => [value, clock.currentTimeMillisUnsafe() - started] as const)
    )
  })

/** Nobody waits for it: what fails is told in the log, defects as errors. */
export const inBackground = <A, E, R>(refresh: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.tapCause(refresh, (cause) =>
    Cause.hasDies(cause)
      ? Effect.logError("getOrSet: a background refresh died", cause)
      : Cause.hasInterrupts(cause)
        ? Effect.void
        : Effect.logDebug("getOrSet: a background refresh failed", cause)
  )

/** What a lookup gave, with what it says of it. */
export const answerOf = <A>(given: A | LookedUp<A>): LookedUp<A> =>
  given instanceof LookedUp ? given : new LookedUp(given)

/** What is stored of a value, and for how long the server keeps it. */
export const encodeTimed = <A, RD, RE>(
  { codec }: CacheContext<A, RD, RE>,
  entry: EntryName,
  plan: LookupPlan<A>,
  answer: LookedUp<A>,
  cost: number,
  stamp: TagStamp | undefined
): Effect.Effect<readonly [Stored, number], ValueError, RE> =>
  Effect.flatMap(plan.timeToLive(answer), (timeToLive) => {
    // What is not to be stored need not be storable.
    if (timeToLive === 0) return Exit.succeed(["", 0] as const)
    const { value } = answer
    return Effect.flatMap(plan.timed ? timingFor(timeToLive, cost) : Exit.succeed(undefined), (timing) => {
      const lifetime = timing === undefined ? timeToLive : timeToLive + plan.keepFor(value)
      return Effect.map(codec.encode(entry, value, timing, stamp), (encoded) => [encoded, lifetime] as const)
    })
  })
