/** The cached value, or the lookup's. */
import { Clock, Effect, Exit, Option, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { Operation, Tally } from "../../CachePolicy.ts"
import type { Lookup, LookupOptions, LookupResult } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Found, foundIn, plainValue } from "../kernel/entry.ts"
import { type Acquired, type ClaimTarget, withClaim } from "./claim.ts"
import { serverRest } from "./FailedRefreshes.ts"
import { failureIn, type Failures, type FailuresOf } from "./Failures.ts"
import type { Flights } from "./Flights.ts"
import { type Keep, keepNothing, keepOver } from "./keep.ts"
import { inBackground, lookupAndStore } from "./lookupAndStore.ts"
import { type LookupPlan, lookupPlan } from "./LookupPlan.ts"
import { count } from "../kernel/metrics.ts"
import { foundRead } from "../kernel/nearReads.ts"
import { flightOf, type KnownTags, knownTags, type TagBasis, tagsBefore } from "./lookupTags.ts"
import { foundNear, heldNear, type NearFound, nearFound, nearIn, type Untold } from "./nearFound.ts"
import { type ResultForm, resultOfHeld, type Seen } from "./results.ts"
import type { Ticket } from "./FlightTable.ts"
import type { SingleFlight } from "./SingleFlight.ts"
import { lookupOf, stillThere } from "./staleOf.ts"
import { isStale, verdictAt, verdictOf } from "./verdict.ts"

/** `getOrSet` whose callers are given that form. */
export type GetOrSet<A, RD, RE> = <E, R, F, B>(
  form: ResultForm<A, B>,
  key: string,
  lookup: Lookup<A, E, R>,
  options: LookupOptions<A, F> | undefined
) => Effect.Effect<B, E | F | CommandError, Exclude<R, Scope.Scope> | RD | RE>

/** What one call asks for. */
interface Call<A, E, R, F, B> {
  readonly form: ResultForm<A, B>
  readonly entry: EntryName
  readonly plan: LookupPlan<A>
  readonly lookup: Lookup<A, E, R>
  readonly failures: Failures<F> | undefined
}

export const makeGetOrSet = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights,
  flights: SingleFlight,
  failuresOf: FailuresOf
): GetOrSet<A, RD, RE> => {
  const { client, codec, defaults, finalKey, guard, guardNear, metrics, observe, policy, readOptions, scope, tags } =
    context
  const { failedRefreshes } = allFlights
  const nearHere = nearIn(context, failedRefreshes)

  const judged = <F>(
    found: Found<A> | undefined,
    { entry, failures, plan }: Pick<Call<A, never, never, F, never>, "entry" | "failures" | "plan">,
    drawn?: number
  ): Effect.Effect<Seen<A, F>> => {
    const failed = failureIn(metrics, entry, found, failures)
    if (failed === undefined) {
      return Effect.mapEager(verdictOf(found, plan, failedRefreshes, entry.final, drawn), (verdict) => ({
        found,
        verdict,
        source: "server"
      }))
    }
    return Effect.map(failed, (failed) =>
      Option.isSome(failed)
        ? { found, verdict: "failed", error: failed.value.error, source: "server" }
        : { found, verdict: "miss", source: "server" }
    )
  }

  const read = (entry: EntryName) =>
    client.request("GET", [entry.final], foundIn(context, entry, tags.judge), readOptions)

  /**
   * What the server has. `isNear`: another read that is under way, and records of tags that are near, do. `isHeld`: a value is near, which
   * a read that fails must not drop.
   */
  const readServer = (entry: EntryName, isNear: boolean, isHeld = false) => {
    if (nearHere === undefined || !(isHeld || nearHere.near.isFor(entry.final))) return read(entry)
    const { near, nearTags } = nearHere
    const { judge } = isNear ? nearTags : tags
    return Effect.flatMap(near.read(entry, isNear), (read) => foundRead(near, context, entry, read, judge))
  }

  /** The lookup as a piece of work that callers share. */
  const workOf =
    <E, R, F, B>({ entry, failures, lookup, plan }: Call<A, E, R, F, B>, { found, verdict }: Seen<A, F>) =>
    (ticket: Ticket, basis: TagBasis): Effect.Effect<LookupResult<A>, E | F, Exclude<R, Scope.Scope> | RD | RE> => {
      const { final } = entry
      const asked = Effect.flatMapEager(stillThere(tags, lookup, found, basis), (found) => lookupOf(lookup, found))
      // A failure does not take the place of a value.
      const stored = found !== undefined && Option.isSome(found.value) ? undefined : failures
      const lookUp = (keep: Keep) => {
        const failing = stored && { failures: stored, keep }
        return lookupAndStore(context, allFlights, { entry, plan, lookup: asked, keep, failing }, ticket, basis)
      }
      // A server that did not answer the read is not waited for once more.
      if (!plan.cluster || verdict === "unknown") return lookUp(keepOver(client, final, found, () => !ticket.outdated))
      const usable: ClaimTarget<A, E | F, RD>["usable"] = (found, now) => {
        const failed = failureIn(metrics, entry, found, failures)
        if (failed !== undefined)
          return Effect.map(
            failed,
            Option.map(({ error }) => Exit.fail(error))
          )
        const verdict = verdictAt(found, plan, now)
        if (verdict === "miss") return Effect.succeedNone
        const resultOf = (value: A) =>
          Exit.succeed(resultOfHeld(value, { found, verdict, source: "server" }, false, now))
        return Exit.succeed(Option.map(found.value, resultOf))
      }
      const serves = (found: Found<A>, now: number) => verdictAt(found, plan, now) !== "miss"
      const guardClaim = (acquire: Effect.Effect<Acquired<A, E | F>, CommandError, RD>) =>
        guard<Acquired<A, E | F>, CommandError, RD>(
          { name: `${entry.operation}.claim`, key: entry.key, neutral: Option.some({ _tag: "Unclaimed" }) },
          acquire
        )
      const target = { client, final, scope, read: read(entry), usable, serves, guard: guardClaim }
      return withClaim<A, E | F, Exclude<R, Scope.Scope> | RE, RD>(target, found, (claim) =>
        lookUp(claim ?? keepNothing)
      )
    }

  const basisOf = <E, R, F, B>({ entry, plan }: Call<A, E, R, F, B>, names: KnownTags) =>
    tagsBefore(context, entry.operation, entry.key, plan, names)

  /** The lookup in the background, over what the server has: where that is not known, the server is asked first. */
  const refreshOf = <E, R, F, B>(
    call: Call<A, E, R, F, B>,
    seen: Seen<A, F>,
    ticket: Ticket
  ): Effect.Effect<LookupResult<A>, E | F | CommandError, Exclude<R, Scope.Scope> | RD | RE> => {
    const { entry, lookup, plan } = call
    const { found } = seen
    if (seen.source === "server") {
      const names = knownTags(plan, lookup, found)
      const looked = Effect.flatMap(basisOf(call, names), (basis) => {
        ticket.basis = flightOf(basis)
        return workOf(call, seen)(ticket, basis)
      })
      return failedRefreshes.rest(Effect.andThen(count(metrics.refreshes), looked), [entry.final], plan.errorBackoff)
    }
    const asked = guard<Seen<A, F>, CommandError, RD>(
      { name: `${entry.operation}.read`, key: entry.key, neutral: Option.none() },
      Effect.flatMapEager(readServer(entry, true, true), (now) => judged(now, call, found?.header?.timing?.freshUntil))
    )
    const rest = Math.min(serverRest, plan.errorBackoff)
    return Effect.flatMap(failedRefreshes.rest(asked, [entry.final], rest), (now) => {
      if (now.verdict === "failed") return Exit.fail(now.error)
      const value = now.found?.value
      const isDone = now.verdict === "fresh" || now.verdict === "claimed" || now.verdict === "resting"
      if (!isDone || value === undefined || Option.isNone(value)) return refreshOf(call, now, ticket)
      return Effect.map(Clock.currentTimeMillis, (at) => resultOfHeld(value.value, now, false, at))
    })
  }

  /** What follows when the key holds nothing that can be served as it is. */
  const serve = <E, R, F, B>(
    call: Call<A, E, R, F, B>,
    seen: Seen<A, F>
  ): Effect.Effect<B, E | F | CommandError, Exclude<R, Scope.Scope> | RD | RE> => {
    const { entry, form, lookup, plan } = call
    const { final } = entry
    const { found, source, verdict } = seen
    if (verdict === "failed") return Exit.fail(seen.error)
    const value = found === undefined ? Option.none<A>() : found.value
    if (verdict === "fresh" && Option.isSome(value)) return form.held(value.value, seen, flights.isRunning(final))
    if (verdict === "miss" || verdict === "unknown" || Option.isNone(value)) {
      const { waitFor } = plan
      const work = workOf(call, seen)
      const names = knownTags(plan, lookup, found)
      const share = (basis: TagBasis) =>
        Effect.map(
          flights.share(entry, (ticket) => work(ticket, basis), {
            onJoin: count(metrics.lookups_shared),
            waitFor,
            observe: policy?.observe,
            basis: flightOf(basis)
          }),
          form.result
        )
      if (names === undefined) return share(undefined)
      // A server that did not answer the read is not asked for tags either.
      return verdict === "unknown" ? share("unknown") : Effect.flatMap(basisOf(call, names), share)
    }
    const refresh = (ticket: Ticket) => observe("refresh", ticket.observed, inBackground(refreshOf(call, seen, ticket)))
    // Nobody joins it before it is known what it begins with.
    const isKnown = source === "server" && knownTags(plan, lookup, found) === undefined
    const refreshing = flights.start(entry, refresh, isKnown ? undefined : {})
    if (verdict === "early") return Effect.andThen(refreshing, form.held(value.value, seen, true))
    const stale = Effect.andThen(count(metrics.stale_served), () =>
      form.held(value.value, seen, flights.isRunning(final))
    )
    if (verdict === "claimed" || verdict === "resting") return stale
    return Effect.flatMap(refreshing, (refreshed) => {
      if (plan.softTimeout === 0) return stale
      const soon = Effect.timeoutOption(Effect.exit(refreshed), plan.softTimeout)
      return Effect.flatMap(soon, (exit) =>
        Option.isSome(exit) && Exit.isSuccess(exit.value) ? Exit.map(exit.value, form.result) : stale
      )
    })
  }

  return <E, R, F, B>(
    form: ResultForm<A, B>,
    key: string,
    lookup: Lookup<A, E, R>,
    options: LookupOptions<A, F> = {}
  ) => {
    const { operation } = form
    const final = finalKey(operation, key, options)
    if (!Exit.isSuccess(final)) return Exit.failCause(final.cause)
    const checked = lookupPlan<A>(operation, options, defaults)
    if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
    const stored = failuresOf(operation, options.cacheFailures)
    if (!Exit.isSuccess(stored)) return Exit.failCause(stored.cause)
    const plan = checked.value
    const entry: EntryName = { operation, key, final: final.value, isOwn: options.version === undefined }
    const call = { form, entry, plan, lookup, failures: stored.value }
    if (nearHere !== undefined) {
      return Effect.withFiber((caller) => {
        const isNear = options.near !== false
        const known = isNear ? nearFound(nearHere, entry, plan, caller) : undefined
        if (known?._tag === "Value" && policy?.forNear === undefined) {
          return known.header === undefined
            ? form.plain(Exit.succeed(known.value), "near")
            : serve(call, seenNear(known))
        }
        if (known?._tag === "Value" || known?._tag === "Absent") {
          const seen = guardNear({ ...declareLookup<A, F>(entry), near: 1 }, Exit.succeed(seenNear(known)))
          return Effect.flatMapEager(seen, (seen) => serve(call, seen))
        }
        const fromServer = Effect.flatMapEager(readServer(entry, isNear), (found) => judged(found, call))
        /** The value need not be read again where its tags are live. */
        const toldOf = ({ kept, stamp }: Untold) =>
          Effect.flatMap(nearHere.nearTags.judge(stamp), (verdict) => {
            const held = verdict === "live" ? heldNear(nearHere, entry, kept, plan, caller) : undefined
            return held === undefined ? fromServer : Exit.succeed(seenNear(held))
          })
        const seen = guard(declareLookup<A, F>(entry), known?._tag === "Untold" ? toldOf(known) : fromServer)
        return Effect.flatMap(seen, (seen) => serve(call, seen))
      })
    }
    if (policy === undefined) {
      // A hit is one step of the fiber.
      return client.request(
        "GET",
        [entry.final],
        (reply) => {
          const plain = plainValue(codec, entry, reply)
          if (plain !== undefined) return form.plain(plain, "server")
          return Effect.flatMapEager(foundIn(context, entry, tags.judge)(reply), (found) =>
            Effect.flatMapEager(judged(found, call), (seen) => serve(call, seen))
          )
        },
        readOptions
      )
    }
    const guarded = policy(
      declareLookup<A, F>(entry),
      Effect.flatMapEager(read(entry), (found) => judged(found, call))
    )
    return Effect.flatMap(guarded, (seen) => serve(call, seen))
  }
}

const seenNear = <A>(known: Exclude<NearFound<A>, Untold>): Seen<A> =>
  known._tag === "Absent"
    ? { found: undefined, verdict: "miss", source: "near" }
    : { found: foundNear(known.value, known.header), verdict: known.verdict, source: "near" }

const unanswered = Option.some<Seen<never>>({ found: undefined, verdict: "unknown", source: "server" })

const declareLookup = <A, F>({ key, operation }: EntryName): Operation<Seen<A, F>> => ({
  name: operation,
  key,
  neutral: unanswered,
  tally: tallyOf
})

const tallyOf = ({ verdict }: Seen<unknown, unknown>): Tally =>
  verdict === "miss" || verdict === "unknown" ? { misses: 1, stale: 0 } : { hits: 1, stale: Number(isStale(verdict)) }
