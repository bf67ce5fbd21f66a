/** One lookup for many keys, and the storing of what it gives. */
import { Clock, Effect, Exit, Option, type Scope } from "effect"
import type { CacheInputError, ValueError } from "../../../schema/CacheError.ts"
import type { Command } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import { noteLookupError } from "../../../schema/lookupErrors.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { BatchLookup, LookupResult, Stale } from "../../operations/CacheLookups.ts"
import { FailedLookup } from "../../operations/FailedLookup.ts"
import type { LookedUp } from "../../operations/LookedUp.ts"
import type { CacheContext } from "../kernel/context.ts"
import { count } from "../kernel/metrics.ts"
import { isKept } from "../kernel/overSeen.ts"
import { type StoreCommand, sendStores } from "../kernel/stores.ts"
import type { BatchTicket, Outcomes } from "./BatchFlights.ts"
import type { SeenKey } from "./batchReads.ts"
import type { Failures } from "./Failures.ts"
import type { Flights } from "./Flights.ts"
import type { Ticket } from "./FlightTable.ts"
import { keepCommand } from "./keep.ts"
import { answerOf, encodeFailure, encodeTimed, storeFailed, timedLookup, type ToStore } from "./lookupAndStore.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { bornBy, type Borne, type KnownTags, plannedTags, type TagBasis } from "./lookupTags.ts"
import { resultOfLookup } from "./results.ts"
import { staleIn } from "./staleOf.ts"

/** What is looked up, how, and what is known of it. */
export interface BatchLooking<A, E, R, F, G> {
  readonly seen: ReadonlyArray<SeenKey<A>>
  readonly plan: LookupPlan<A>
  readonly lookup: BatchLookup<A, E, R, G>
  readonly failures: Failures<F> | undefined
}

/** Of values that the lookup may say to be unchanged it needs the tags, where the options name none. */
export const knownBatchTags = <A>(plan: LookupPlan<A>, seen: ReadonlyArray<SeenKey<A>>): KnownTags => {
  const isTagged = ({ found }: SeenKey<A>) => found?.header?.tags !== undefined && Option.isSome(found.value)
  return plan.tags === undefined && seen.some(isTagged) ? "later" : plannedTags(plan)
}

/** What the lookup gave for each key. Whoever waits has it when the stores are written; it ends when they are done. */
export const batchLookup = Effect.fnUntraced(function* <A, E, R, F, G, RD, RE>(
  context: CacheContext<A, RD, RE>,
  flights: Flights,
  { failures, lookup, plan, seen }: BatchLooking<A, E, R, F, G>,
  { answer: tell, tickets }: BatchTicket<LookupResult<A>, G>,
  basis: TagBasis
): Effect.fn.Return<Outcomes<LookupResult<A>, G>, E, Exclude<R, Scope.Scope> | RE> {
  const { client, guard, metrics, observe, scope } = context
  const { failedRefreshes } = flights
  const wanted = new Map(seen.map((one) => [one.entry.key, one]))
  const observed = { operation: "getOrSetMany", key: undefined }
  const stale = yield* shown(context, seen, basis)
  const [given, cost] = yield* timedLookup(metrics, observe("lookup", observed, lookup([...wanted.keys()], stale)))

  const answers = new Map<string, LookedUp<A>>()
  const failed = new Map<string, G>()
  for (const one of given) {
    const isFailed = one instanceof FailedLookup
    const key = isFailed ? one.key : one[0]
    if (!wanted.has(key)) continue
    answers.delete(key)
    failed.delete(key)
    if (isFailed) failed.set(key, one.error)
    else answers.set(key, answerOf(one[1]))
  }
  if (failed.size > 0) yield* count(metrics.lookup_failures)
  for (const error of failed.values()) noteLookupError(error)
  for (const { entry } of seen) if (!failed.has(entry.key)) failedRefreshes.succeeded(entry.final)

  /** What cannot be stored leaves the others alone. */
  const commandFor = (key: string, encode: (one: SeenKey<A>) => Effect.Effect<ToStore, ValueError, RE>) => {
    const one = wanted.get(key)!
    const { entry, found } = one
    const command = Effect.flatMap(encode(one), (encoded) =>
      encoded === "refused"
        ? Effect.as(count(metrics.lookups_discarded), undefined)
        : Effect.succeed(
            storeOf(entry, keepCommand(entry.final, found, ...encoded), encoded[0], tickets.get(entry.final))
          )
    )
    return Effect.catch(command, (error) => Effect.as(storeFailed(context, error, key), undefined))
  }
  const valueCommand = ([key, answer]: readonly [string, LookedUp<A>], borne: Exit.Exit<Borne, CacheInputError>) =>
    commandFor(key, ({ entry }) =>
      Effect.flatMap(borne, (stamp): Effect.Effect<ToStore, ValueError, RE> =>
        stamp === "refused" ? Exit.succeed(stamp) : encodeTimed(context, entry, plan, answer, cost, stamp)
      )
    )
  // A failure does not take the place of a value.
  const storable = [...failed].filter(
    ([key, error]) => failures?.accepts(error) === true && !hasValue(wanted.get(key)!)
  )
  const failureCommand = ([key, error]: readonly [string, G]) =>
    commandFor(key, ({ entry }) =>
      // It is accepted.
      encodeFailure(entry, plan, failures!, error as G & F, basis)
    )
  const send = (commands: ReadonlyArray<StoreCommand | undefined>) =>
    Effect.suspend(() => {
      const current = commands.flatMap((store) => (store?.command.resendIf?.() === true ? [store] : []))
      return Effect.map(sendStores(client, current, isKept), (failures) => current.length - failures.size)
    })
  const store = guard(
    { name: "getOrSetMany.store", key: undefined, neutral: Option.some(0), tally: (stores) => ({ stores }) },
    Effect.flatMap(bornBy(context, "getOrSetMany", plan, basis, answers), (borneBy) =>
      Effect.flatMap(
        Effect.all([
          Effect.forEach(answers, (pair) => valueCommand(pair, borneBy(pair[0]))),
          Effect.forEach(storable, failureCommand)
        ]),
        (commands) => send(commands.flat())
      )
    )
  )
  const told = Effect.catch(Effect.asVoid(store), (error) => storeFailed(context, error, undefined))
  const storing = yield* flights.stores.begin(told, scope)
  const outcomes = new Map<string, Exit.Exit<LookupResult<A>, G>>()
  for (const { entry } of seen) {
    const answer = answers.get(entry.key)
    if (answer !== undefined) outcomes.set(entry.final, Exit.succeed(resultOfLookup(answer.value)))
    else if (failed.has(entry.key)) outcomes.set(entry.final, Exit.fail(failed.get(entry.key)!))
  }
  tell(outcomes)
  yield* storing
  return outcomes
})

const hasValue = <A>({ found }: SeenKey<A>): boolean => found !== undefined && Option.isSome(found.value)

/** The values that the lookup may see, as they are after the basis was read: one round trip where they bear tags. */
const shown = Effect.fnUntraced(function* <A, RD, RE>(
  { tags }: CacheContext<A, RD, RE>,
  seen: ReadonlyArray<SeenKey<A>>,
  basis: TagBasis
) {
  const stale = new Map<string, Stale<A>>()
  const held = seen.filter(hasValue)
  if (held.length === 0) return stale
  const stamps = basis === undefined ? [] : held.flatMap(({ found }) => found?.header?.tags ?? [])
  // Of what nobody can tell nothing is shown.
  const judge = yield* Effect.option(tags.judgeOf(stamps))
  const now = yield* Clock.currentTimeMillis
  for (const { entry, found } of held) {
    const stamp = stamps.length === 0 ? undefined : found?.header?.tags
    const isGone =
      stamp !== undefined &&
      (Option.isNone(judge) || (yield* Effect.orElseSucceed(judge.value(stamp), () => "gone")) === "gone")
    const value = isGone ? undefined : staleIn(found, now)
    if (value !== undefined) stale.set(entry.key, value)
  }
  return stale
})

/** Sent again only while the key has not changed here. */
const storeOf = (
  { final, key }: EntryName,
  command: Command | undefined,
  { length }: Stored,
  ticket: Ticket | undefined
): StoreCommand | undefined =>
  command && { key, command: { ...command, resendIf: () => ticket?.outdated !== true }, bytes: final.length + length }
