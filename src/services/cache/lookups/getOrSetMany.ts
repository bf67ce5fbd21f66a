/** The cached values, and one lookup for all that are missing. */
import { Effect, Option } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import { type StoreCommand, sendStores, storeCommand } from "../kernel/stores.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { foundIn } from "../kernel/entry.ts"
import { encodeTimed, storeFailed, timedLookup } from "./lookupAndStore.ts"
import { type LookupPlan, lookupPlan } from "./LookupPlan.ts"
import type { Flights } from "./Flights.ts"
import { verdictOf } from "./verdict.ts"
import { count, metrics } from "../kernel/metrics.ts"
import { entriesOf, readMany } from "../kernel/readMany.ts"

interface Served<A> {
  readonly values: Map<string, A>
  readonly missing: ReadonlyArray<EntryName>
  /** Served, and to be refreshed. */
  readonly ageing: ReadonlyArray<EntryName>
}

export const makeGetOrSetMany = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  allFlights: Flights
): CacheLookups<A, RD, RE>["getOrSetMany"] => {
  const { client, codec, defaults, guard, scope } = context
  const valueSize = new ValueSize()
  /** Final keys that a batch in the background is looking up. */
  const refreshing = new Set<string>()

  const read = Effect.fnUntraced(function* (entries: ReadonlyArray<EntryName>, plan: LookupPlan<A>) {
    const hits = yield* readMany(context, valueSize, entries)
    const missing = new Map(entries.map((entry) => [entry.final, entry]))
    const values = new Map<string, A>()
    const ageing: Array<EntryName> = []
    for (const [i, entry] of hits.entries.entries()) {
      const found = yield* foundIn(codec, entry)(hits.stored[i]!)
      const verdict = yield* verdictOf(found, plan)
      if (found === undefined || verdict === "miss" || Option.isNone(found.value)) continue
      missing.delete(entry.final)
      values.set(entry.key, found.value.value)
      if (verdict === "stale" || verdict === "claimed") yield* count(metrics.staleServed)
      if (verdict === "stale" || verdict === "early") ageing.push(entry)
    }
    const served: Served<A> = { values, missing: [...missing.values()], ageing }
    return served
  })

  const lookupAndStore = Effect.fnUntraced(function* <E, R>(
    entries: ReadonlyArray<EntryName>,
    plan: LookupPlan<A>,
    lookup: (missing: ReadonlyArray<string>) => Effect.Effect<Iterable<readonly [string, A]>, E, R>
  ) {
    const wanted = new Map(entries.map((entry) => [entry.key, entry]))
    const watch = allFlights.watch(entries.map(({ final }) => final))
    return yield* Effect.ensuring(
      Effect.gen(function* () {
        const [looked, cost] = yield* timedLookup(lookup(entries.map(({ key }) => key)))
        const values = new Map([...looked].filter(([key]) => wanted.has(key)))
        const encodeAll = Effect.forEach(values, ([key, value]) => {
          const entry = wanted.get(key)!
          return Effect.map(encodeTimed(context, entry, plan, value, cost), ([encoded, lifetime]) =>
            storeCommand(key, entry.final, encoded, lifetime)
          )
        })
        const send = (commands: ReadonlyArray<StoreCommand>) =>
          Effect.suspend(() => {
            const current = commands.flatMap((store) => {
              const resendIf = () => !watch.outdated.has(wanted.get(store.key)!.final)
              return resendIf() ? [{ ...store, command: { ...store.command, resendIf } }] : []
            })
            return Effect.map(sendStores(client, current), (failures) => current.length - failures.size)
          })
        const store = guard(
          { name: "getOrSetMany.store", key: undefined, neutral: Option.some(0), tally: (stores) => ({ stores }) },
          Effect.flatMap(encodeAll, send)
        )
        yield* Effect.catch(store, storeFailed)
        return values
      }),
      Effect.sync(watch.end)
    )
  })

  return (keys, lookup, options = {}) =>
    Effect.flatMapEager(entriesOf(context, "getOrSetMany", keys, options), (entries) =>
      Effect.flatMapEager(lookupPlan<A>("getOrSetMany", options, defaults), (plan) => {
        const nothing: Served<A> = { values: new Map(), missing: entries, ageing: [] }
        const served = guard(
          {
            name: "getOrSetMany",
            key: undefined,
            neutral: Option.some(nothing),
            tally: ({ missing, values }) => ({ hits: values.size, misses: missing.length })
          },
          read(entries, plan)
        )
        return Effect.gen(function* () {
          const { ageing, missing, values } = yield* served
          const idle = ageing.filter(({ final }) => !refreshing.has(final))
          if (idle.length > 0) {
            for (const { final } of idle) refreshing.add(final)
            const refresh = Effect.andThen(count(metrics.refreshes), lookupAndStore(idle, plan, lookup))
            yield* Effect.forkIn(
              Effect.ensuring(
                Effect.ignoreCause(refresh),
                Effect.sync(() => idle.forEach(({ final }) => refreshing.delete(final)))
              ),
              scope,
              { startImmediately: true }
            )
          }
          if (missing.length === 0) return values
          const looked = yield* lookupAndStore(missing, plan, lookup)
          return new Map([...values, ...looked])
        })
      })
    )
}
