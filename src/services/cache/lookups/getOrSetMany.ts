/** The cached values, and one lookup for all that are missing. */
import { Clock, Effect, Exit, Option } from "effect"
import type { Command } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { ObservedLookup } from "../../CachePolicy.ts"
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import { type StoreCommand, sendStores } from "../kernel/stores.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Found, foundIn } from "../kernel/entry.ts"
import { detached } from "./detached.ts"
import { isKept, keepCommand } from "./keep.ts"
import { encodeTimed, inBackground, storeFailed, timedLookup } from "./lookupAndStore.ts"
import { type LookupPlan, lookupPlan } from "./LookupPlan.ts"
import type { Flights, Watch } from "./Flights.ts"
import { isStale, verdictOf } from "./verdict.ts"
import { count, metrics } from "../kernel/metrics.ts"
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
  const { client, codec, defaults, guard, observe, scope } = context
  const { failedRefreshes } = allFlights
  const valueSize = new ValueSize()
  /** Final keys that a batch in the background is looking up. */
  const refreshing = new Set<string>()

  const read = Effect.fnUntraced(function* (entries: ReadonlyArray<EntryName>, plan: LookupPlan<A>) {
    const hits = yield* readMany(context, valueSize, entries)
    const missing = new Map(entries.map((entry): [string, Seen<A>] => [entry.final, { entry, found: undefined }]))
    const values = new Map<string, A>()
    const ageing: Array<Seen<A>> = []
    let stale = 0
    for (const [i, entry] of hits.entries.entries()) {
      const found = yield* foundIn(codec, entry)(hits.stored[i]!)
      const verdict = yield* verdictOf(found, plan, failedRefreshes, entry.final)
      if (found === undefined || verdict === "miss" || Option.isNone(found.value)) {
        missing.set(entry.final, { entry, found })
        continue
      }
      missing.delete(entry.final)
      values.set(entry.key, found.value.value)
      if (isStale(verdict)) {
        stale++
        yield* count(metrics.staleServed)
      }
      if (verdict === "stale" || verdict === "early") ageing.push({ entry, found })
    }
    const served: Served<A> = { values, missing: [...missing.values()], stale, ageing }
    return served
  })

  const lookupAndStore = Effect.fnUntraced(function* <E, R>(
    seen: ReadonlyArray<Seen<A>>,
    plan: LookupPlan<A>,
    lookup: (missing: ReadonlyArray<string>) => Effect.Effect<Iterable<readonly [string, A]>, E, R>,
    observed: ObservedLookup
  ) {
    const wanted = new Map(seen.map((one) => [one.entry.key, one]))
    const watch = allFlights.watch(seen.map(({ entry }) => entry.final))
    const lookUp = Effect.gen(function* () {
      const [looked, cost] = yield* timedLookup(observe("lookup", observed, lookup(seen.map(({ entry }) => entry.key))))
      const values = new Map([...looked].filter(([key]) => wanted.has(key)))
      /** What cannot be stored leaves the others alone. */
      const commandFor = ([key, value]: readonly [string, A]) => {
        const { entry, found } = wanted.get(key)!
        const encoded = Effect.map(encodeTimed(context, entry, plan, value, cost), ([encoded, lifetime]) =>
          storeOf(entry, keepCommand(entry.final, found, encoded, lifetime), encoded, watch)
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
        Effect.flatMap(Effect.forEach(values, commandFor), send)
      )
      const told = Effect.catch(Effect.asVoid(store), (error) => storeFailed(context, error, undefined))
      const ended = Effect.ensuring(told, Effect.sync(watch.end))
      yield* allFlights.stores.begin(ended, scope)
      return values
    })
    return yield* Effect.onError(lookUp, () => Effect.sync(watch.end))
  })

  const ended = (idle: ReadonlyArray<Seen<A>>, plan: LookupPlan<A>, exit: Exit.Exit<unknown, unknown>) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      for (const { entry } of idle) {
        refreshing.delete(entry.final)
        if (Exit.isSuccess(exit)) failedRefreshes.succeeded(entry.final)
        else if (!Exit.hasInterrupts(exit)) failedRefreshes.failed(entry.final, now + plan.errorBackoff)
      }
    })

  return (keys, lookup, options = {}) =>
    Effect.flatMapEager(entriesOf(context, "getOrSetMany", keys, options), (entries) =>
      Effect.flatMapEager(lookupPlan<A>("getOrSetMany", options, defaults), (plan) => {
        const nothing: Served<A> = {
          values: new Map(),
          missing: entries.map((entry) => ({ entry, found: undefined })),
          stale: 0,
          ageing: []
        }
        const served = guard(
          {
            name: "getOrSetMany",
            key: undefined,
            neutral: Option.some(nothing),
            tally: ({ missing, stale, values }) => ({ hits: values.size, misses: missing.length, stale })
          },
          read(entries, plan)
        )
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
