/** The cached values, and one lookup for all that are missing. */
import { Clock, Effect, Exit, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import type { Command } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { ObservedLookup, Operation } from "../../CachePolicy.ts"
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import type { LookedUp } from "../../operations/LookedUp.ts"
import { type StoreCommand, sendStores } from "../kernel/stores.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Found, foundIn } from "../kernel/entry.ts"
import { judgeFor } from "../kernel/judgeFor.ts"
import { isKept } from "../kernel/overSeen.ts"
import { detached } from "./detached.ts"
import { hasFailed } from "./FailedRefreshes.ts"
import { foundRead, judgeOfReads, readManyNear } from "../kernel/nearReads.ts"
import type { TagJudges } from "../tags/Tags.ts"
import { keepCommand } from "./keep.ts"
import { answerOf, encodeTimed, inBackground, storeFailed, timedLookup } from "./lookupAndStore.ts"
import { type LookupPlan, lookupPlan } from "./LookupPlan.ts"
import { type Near, nearIn } from "./nearFound.ts"
import { nearMany } from "./nearMany.ts"
import { bornBy, type Borne, plannedTags, tagsBefore } from "./lookupTags.ts"
import type { Flights, Watch } from "./Flights.ts"
import { isStale, verdictOf } from "./verdict.ts"
import { count } from "../kernel/metrics.ts"
import { entriesOf, readMany } from "../kernel/readMany.ts"

/** An entry, and what its key held. */
interface Seen<A> {
  readonly entry: EntryName
  readonly found: Found<A> | undefined
}

interface Served<A> {
  readonly values: Map<string, A>
  readonly missing: ReadonlyArray<Seen<A>>
  /** How many of the values are past their lifetime. */
  readonly stale: number
  /** Served, and to be refreshed. */
  readonly ageing: ReadonlyArray<Seen<A>>
}

export const makeGetOrSetMany = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights
): CacheLookups<A, RD, RE>["getOrSetMany"] => {
  const { client, codec, defaults, guard, guardNear, metrics, near, observe, scope, tags } = context
  const nearHere = nearIn(context)
  const { failedRefreshes } = allFlights
  const valueSize = new ValueSize()
  /** Final keys that a batch in the background is looking up. */
  const refreshing = new Set<string>()

  /** What the server has of the keys. */
  const foundAll = (
    entries: ReadonlyArray<EntryName>,
    by: TagJudges
  ): Effect.Effect<ReadonlyArray<Seen<A>>, CommandError, RD> => {
    if (near === undefined || !entries.every(({ final }) => near.isFor(final))) {
      return Effect.flatMap(readMany(context, valueSize, entries), (hits) =>
        Effect.flatMapEager(judgeFor(codec, tags, hits.entries, hits.stored), ({ judge }) =>
          Effect.forEach(hits.entries, (entry, i) =>
            Effect.map(foundIn(context, entry, judge)(hits.stored[i]!), (found): Seen<A> => ({ entry, found }))
          )
        )
      )
    }
    return Effect.flatMap(readManyNear(near, valueSize, entries), (reads) =>
      Effect.flatMapEager(judgeOfReads(codec, by, entries, reads), (judge) =>
        Effect.forEach(entries, (entry, i) =>
          Effect.map(foundRead(near, context, entry, reads[i]!, judge), (found): Seen<A> => ({ entry, found }))
        )
      )
    )
  }

  /** `drawn`: of some keys it is known until when their values are fresh, and that they are to be refreshed. */
  const read = Effect.fnUntraced(function* (
    entries: ReadonlyArray<EntryName>,
    plan: LookupPlan<A>,
    drawn: ReadonlyMap<string, number>,
    by: TagJudges
  ) {
    const seen = yield* foundAll(entries, by)
    const missing = new Map(entries.map((entry): [string, Seen<A>] => [entry.final, { entry, found: undefined }]))
    const values = new Map<string, A>()
    const ageing: Array<Seen<A>> = []
    let stale = 0
    for (const { entry, found } of seen) {
      const verdict = yield* verdictOf(found, plan, failedRefreshes, entry.final, drawn.get(entry.final))
      if (found === undefined || verdict === "miss" || Option.isNone(found.value)) {
        missing.set(entry.final, { entry, found })
        continue
      }
      missing.delete(entry.final)
      values.set(entry.key, found.value.value)
      if (isStale(verdict)) {
        stale++
        yield* count(metrics.stale_served)
      }
      if (verdict === "stale" || verdict === "early") ageing.push({ entry, found })
    }
    const served: Served<A> = { values, missing: [...missing.values()], stale, ageing }
    return served
  })

  const lookupAndStore = Effect.fnUntraced(function* <E, R>(
    seen: ReadonlyArray<Seen<A>>,
    plan: LookupPlan<A>,
    lookup: (missing: ReadonlyArray<string>) => Effect.Effect<Iterable<readonly [string, A | LookedUp<A>]>, E, R>,
    observed: ObservedLookup
  ) {
    const wanted = new Map(seen.map((one) => [one.entry.key, one]))
    const watch = allFlights.watch(seen.map(({ entry }) => entry.final))
    const lookUp = Effect.gen(function* () {
      const basis = yield* tagsBefore(context, "getOrSetMany", undefined, plan, plannedTags(plan))
      const [looked, cost] = yield* timedLookup(
        metrics,
        observe("lookup", observed, lookup(seen.map(({ entry }) => entry.key)))
      )
      for (const { entry } of seen) failedRefreshes.succeeded(entry.final)
      const answers = new Map<string, LookedUp<A>>()
      for (const [key, given] of looked) if (wanted.has(key)) answers.set(key, answerOf(given))
      /** What cannot be stored leaves the others alone. */
      const commandFor = ([key, answer]: readonly [string, LookedUp<A>], borne: Exit.Exit<Borne, CacheInputError>) => {
        const { entry, found } = wanted.get(key)!
        const encoded = Effect.flatMap(borne, (stamp) =>
          stamp === "refused"
            ? Effect.as(count(metrics.lookups_discarded), undefined)
            : Effect.map(encodeTimed(context, entry, plan, answer, cost, stamp), ([encoded, lifetime]) =>
                storeOf(entry, keepCommand(entry.final, found, encoded, lifetime), encoded, watch)
              )
        )
        return Effect.catch(encoded, (error) => Effect.as(storeFailed(context, error, key), undefined))
      }
      const send = (commands: ReadonlyArray<StoreCommand | undefined>) =>
        Effect.suspend(() => {
          const current = commands.flatMap((store) => (store?.command.resendIf?.() === true ? [store] : []))
          return Effect.map(sendStores(client, current, isKept), (failures) => current.length - failures.size)
        })
      const store = guard(
        { name: "getOrSetMany.store", key: undefined, neutral: Option.some(0), tally: (stores) => ({ stores }) },
        Effect.flatMap(bornBy(context, "getOrSetMany", plan, basis, answers), (borneBy) =>
          Effect.flatMap(
            Effect.forEach(answers, (pair) => commandFor(pair, borneBy(pair[0]))),
            send
          )
        )
      )
      const told = Effect.catch(Effect.asVoid(store), (error) => storeFailed(context, error, undefined))
      const ended = Effect.ensuring(told, Effect.sync(watch.end))
      yield* allFlights.stores.begin(ended, scope)
      return new Map([...answers].map(([key, { value }]) => [key, value] as const))
    })
    return yield* Effect.onError(lookUp, () => Effect.sync(watch.end))
  })

  /** What is near with what the server has, in the order of the request. */
  const serve = (entries: ReadonlyArray<EntryName>, plan: LookupPlan<A>, near: Near<A, RD> | undefined) =>
    Effect.withFiber((caller) => {
      const { drawn, found, rest } = nearMany(near, entries, plan, caller)
      const nothing: Served<A> = {
        values: new Map(),
        missing: rest.map((entry) => ({ entry, found: undefined })),
        stale: 0,
        ageing: []
      }
      const withNear = ({ ageing, missing, stale, values }: Served<A>): Served<A> => {
        if (found.size === 0) return { ageing, missing, stale, values }
        const all = new Map<string, A>()
        const absent: Array<Seen<A>> = []
        for (const entry of entries) {
          const known = found.get(entry.final)
          if (known?._tag === "Value") all.set(entry.key, known.value)
          else if (known !== undefined) absent.push({ entry, found: undefined })
          else if (values.has(entry.key)) all.set(entry.key, values.get(entry.key)!)
        }
        return { ageing, missing: [...absent, ...missing], stale, values: all }
      }
      const operation: Operation<Served<A>> = {
        name: "getOrSetMany",
        key: undefined,
        neutral: Option.some(withNear(nothing)),
        tally: ({ missing, stale, values }) => ({ hits: values.size, misses: missing.length, stale }),
        near: found.size === 0 ? undefined : found.size
      }
      if (rest.length === 0 && entries.length > 0) return guardNear(operation, Exit.succeed(withNear(nothing)))
      return guard(operation, Effect.map(read(rest, plan, drawn, near?.nearTags ?? tags), withNear))
    })

  const ended = (idle: ReadonlyArray<Seen<A>>, plan: LookupPlan<A>, exit: Exit.Exit<unknown, unknown>) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      for (const { entry } of idle) {
        refreshing.delete(entry.final)
        if (hasFailed(exit)) failedRefreshes.failed(entry.final, now + plan.errorBackoff)
      }
    })

  return (keys, lookup, options = {}) =>
    Effect.flatMapEager(entriesOf(context, "getOrSetMany", keys, options), (entries) =>
      Effect.flatMapEager(lookupPlan<A>("getOrSetMany", options, defaults), (plan) => {
        const served = serve(entries, plan, options.near === false ? undefined : nearHere)
        return Effect.gen(function* () {
          const { ageing, missing, values } = yield* served
          const idle = ageing.filter(({ entry }) => !refreshing.has(entry.final))
          if (idle.length > 0) {
            for (const { entry } of idle) refreshing.add(entry.final)
            const observed = ofBatch()
            const work = Effect.andThen(count(metrics.refreshes), lookupAndStore(idle, plan, lookup, observed))
            const refresh = observe("refresh", observed, inBackground(work))
            yield* Effect.forkIn(
              Effect.exit(Effect.onExit(detached(refresh), (exit) => ended(idle, plan, exit))),
              scope,
              { startImmediately: true }
            )
          }
          if (missing.length === 0) return values
          const looked = yield* lookupAndStore(missing, plan, lookup, ofBatch())
          return new Map([...values, ...looked])
        })
      })
    )
}

const ofBatch = (): ObservedLookup => ({ operation: "getOrSetMany", key: undefined })

/** Sent again only while the key has not changed here. */
const storeOf = (
  { final, key }: EntryName,
  command: Command | undefined,
  { length }: Stored,
  { outdated }: Watch
): StoreCommand | undefined =>
  command && { key, command: { ...command, resendIf: () => !outdated.has(final) }, bytes: final.length + length }
