/** What the cache has of many keys, and what has to be looked up. */
import { Effect, Exit, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { Operation } from "../../CachePolicy.ts"
import { ValueSize } from "../kernel/ValueSize.ts"
import type { CacheContext } from "../kernel/context.ts"
import { type Found, foundIn } from "../kernel/entry.ts"
import { judgeFor } from "../kernel/judgeFor.ts"
import { foundRead, judgeOfReads, readManyNear } from "../kernel/nearReads.ts"
import { readMany } from "../kernel/readMany.ts"
import type { TagJudges } from "../tags/Tags.ts"
import type { FailedRefreshes } from "./FailedRefreshes.ts"
import { failureIn, type Failures } from "./Failures.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { foundNear, type Near, nearIn } from "./nearFound.ts"
import { nearMany } from "./nearMany.ts"
import { isStale, type Verdict, verdictOf } from "./verdict.ts"

/** An entry, and what its key held. */
export interface SeenKey<A> {
  readonly entry: EntryName
  readonly found: Found<A> | undefined
  /** What was found is near, so that the server is to be asked before anything is put in its place. */
  readonly isNear?: boolean | undefined
}

export interface Served<A, F> {
  readonly values: Map<string, A>
  readonly missing: ReadonlyArray<SeenKey<A>>
  /** How many of the values are past their lifetime. */
  readonly stale: number
  /** Served, and to be refreshed. */
  readonly ageing: ReadonlyArray<SeenKey<A>>
  /** What lookups failed with before, of some of the keys in their order. */
  readonly failures: ReadonlyArray<F>
  /** The server did not say what it has. */
  readonly isUnknown: boolean
}

/** What one call asks for. */
export interface BatchCall<A, F> {
  readonly entries: ReadonlyArray<EntryName>
  readonly plan: LookupPlan<A>
  readonly failures: Failures<F> | undefined
  readonly isNear: boolean
}

/** Reads, as the policies see it. */
export const batchReads = <A, RD, RE>(context: CacheContext<A, RD, RE>, failedRefreshes: FailedRefreshes) => {
  const { codec, guard, guardNear, metrics, near, tags } = context
  const nearHere = nearIn(context, failedRefreshes)
  const valueSize = new ValueSize()

  /** What the server has of the keys. */
  const foundAll = (
    entries: ReadonlyArray<EntryName>,
    by: TagJudges,
    isHeld: boolean
  ): Effect.Effect<ReadonlyArray<SeenKey<A>>, CommandError, RD> => {
    // A read that fails must not drop what is near.
    if (near === undefined || !(isHeld || entries.every(({ final }) => near.isFor(final)))) {
      return Effect.flatMap(readMany(context, valueSize, entries), (hits) =>
        Effect.flatMapEager(judgeFor(codec, tags, hits.entries, hits.stored), ({ judge }) =>
          Effect.forEach(hits.entries, (entry, i) =>
            Effect.map(foundIn(context, entry, judge)(hits.stored[i]!), (found): SeenKey<A> => ({ entry, found }))
          )
        )
      )
    }
    return Effect.flatMap(readManyNear(near, valueSize, entries), (reads) =>
      Effect.flatMapEager(judgeOfReads(codec, by, entries, reads), (judge) =>
        Effect.forEach(entries, (entry, i) =>
          Effect.map(foundRead(near, context, entry, reads[i]!, judge), (found): SeenKey<A> => ({ entry, found }))
        )
      )
    )
  }

  /** `drawn`: where values are near, until when they are fresh, if it is known: those are to be refreshed. */
  const read = Effect.fnUntraced(function* <F>(
    entries: ReadonlyArray<EntryName>,
    { failures, plan }: BatchCall<A, F>,
    drawn: ReadonlyMap<string, number | undefined> | undefined,
    by: TagJudges
  ) {
    const seen = yield* foundAll(entries, by, drawn !== undefined)
    const missing = new Map(entries.map((entry): [string, SeenKey<A>] => [entry.final, { entry, found: undefined }]))
    const values = new Map<string, A>()
    const ageing: Array<SeenKey<A>> = []
    const failed: Array<F> = []
    let stale = 0
    for (const one of seen) {
      const { entry, found } = one
      const told = failureIn(metrics, entry, found, failures)
      const failure = told === undefined ? Option.none() : yield* told
      if (Option.isSome(failure)) {
        missing.delete(entry.final)
        failed.push(failure.value.error)
        continue
      }
      const verdict = yield* verdictOf(found, plan, failedRefreshes, entry.final, drawn?.get(entry.final))
      if (found === undefined || verdict === "miss" || Option.isNone(found.value)) {
        missing.set(entry.final, one)
        continue
      }
      missing.delete(entry.final)
      values.set(entry.key, found.value.value)
      if (isStale(verdict)) stale++
      if (isAgeing(verdict)) ageing.push(one)
    }
    const served: Served<A, F> = {
      values,
      missing: [...missing.values()],
      stale,
      ageing,
      failures: failed,
      isUnknown: false
    }
    return served
  })

  /** What the server has of keys whose values were near, for who would replace them. */
  const again = <F>(seen: ReadonlyArray<SeenKey<A>>, call: BatchCall<A, F>) => {
    const drawn = new Map(seen.map(({ entry, found }) => [entry.final, found?.header?.timing?.freshUntil]))
    return guard<Served<A, F>, CommandError, RD>(
      { name: "getOrSetMany.read", key: undefined, neutral: Option.none() },
      read(
        seen.map(({ entry }) => entry),
        call,
        drawn,
        nearHere?.nearTags ?? tags
      )
    )
  }

  /** What is near with what the server has, in the order of the request. */
  const all = <F>(call: BatchCall<A, F>): Effect.Effect<Served<A, F>, CommandError, RD> =>
    Effect.withFiber((caller) => {
      const { entries, isNear, plan } = call
      const here: Near<A, RD> | undefined = isNear ? nearHere : undefined
      const { found, rest } = nearMany(here, entries, plan, caller)
      const withNear = (served: Served<A, F>): Served<A, F> => {
        if (found.size === 0) return served
        const all = new Map<string, A>()
        const absent: Array<SeenKey<A>> = []
        const ageing: Array<SeenKey<A>> = []
        let { stale } = served
        for (const entry of entries) {
          const known = found.get(entry.final)
          if (known === undefined) {
            if (served.values.has(entry.key)) all.set(entry.key, served.values.get(entry.key)!)
          } else if (known._tag === "Absent") absent.push({ entry, found: undefined })
          else {
            const { header, value, verdict } = known
            all.set(entry.key, value)
            if (isStale(verdict)) stale++
            if (isAgeing(verdict)) ageing.push({ entry, found: foundNear(value, header), isNear: true })
          }
        }
        const missing = [...absent, ...served.missing]
        return { ...served, missing, values: all, stale, ageing: [...ageing, ...served.ageing] }
      }
      const nearAlone = () =>
        withNear({
          values: new Map(),
          missing: rest.map((entry) => ({ entry, found: undefined })),
          stale: 0,
          ageing: [],
          failures: [],
          isUnknown: rest.length > 0
        })
      const operation: Operation<Served<A, F>> = {
        name: "getOrSetMany",
        key: undefined,
        get neutral() {
          return Option.some(nearAlone())
        },
        tally: ({ failures, missing, stale, values }) => ({
          hits: values.size + failures.length,
          misses: missing.length,
          stale
        }),
        near: found.size === 0 ? undefined : found.size
      }
      if (rest.length === 0 && entries.length > 0) return guardNear(operation, Exit.succeed(nearAlone()))
      return guard(operation, Effect.map(read(rest, call, undefined, here?.nearTags ?? tags), withNear))
    })

  return { all, again }
}

/** Whether it is served, and to be refreshed by whoever has seen it. */
const isAgeing = (verdict: Verdict): boolean => verdict === "stale" || verdict === "early"
