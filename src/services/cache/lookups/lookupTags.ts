/**
 * The tags of looked-up values. Their records are read before the lookup, so that what is invalidated while it runs is not
 * stored as if it were new. Tags that are known only from the value get theirs after the lookup; that none of them was
 * invalidated meanwhile is told by the ledger that was read before.
 */
import { Effect, Exit, Option } from "effect"
import type { CacheInputError, CommandError } from "../../../schema/CacheError.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import { attempted } from "../../../schema/failures.ts"
import type { CacheContext } from "../kernel/context.ts"
import { namesOf } from "../kernel/tagging.ts"
import { isUntouched, stampOf, type TagRecords } from "../tags/TagRecords.ts"
import type { LookupPlan } from "./LookupPlan.ts"

/** What was known of the tags before the lookup; undefined where the values bear none, `"unknown"` where nobody said. */
export type TagBasis = { readonly records: TagRecords; readonly lifetime: number } | "unknown" | undefined

/** What a value bears; `"refused"` where it is not to be stored. */
export type Borne = TagStamp | "refused" | undefined

const untagged: Exit.Exit<undefined> = Exit.succeed(undefined)
const refused: Exit.Exit<"refused"> = Exit.succeed("refused")

type Context<A, RD, RE> = Pick<CacheContext<A, RD, RE>, "guard" | "tags">

/** One round trip where values bear tags. */
export const tagsBefore = <A, RD, RE>(
  { guard, tags }: Context<A, RD, RE>,
  operation: string,
  key: string | undefined,
  plan: LookupPlan<A>
): Effect.Effect<TagBasis, CommandError> => {
  if (plan.tags === undefined) return untagged
  const lifetime = plan.usualLifetime
  const names = typeof plan.tags === "function" ? [] : plan.tags
  return guard<TagBasis, CommandError, never>(
    { name: `${operation}.tags`, key, neutral: Option.some("unknown") },
    Effect.map(tags.ensure(names, lifetime), (records) => ({ records, lifetime }))
  )
}

/** Lookups that were begun on equal bases may be shared: nothing was invalidated between them. */
export const flightOf = <A>(plan: LookupPlan<A>, basis: TagBasis): unknown => {
  if (basis === undefined) return undefined
  // Nobody knows what was invalidated: it is nobody else's.
  if (basis === "unknown") return {}
  const { era, ledger } = basis.records
  if (typeof plan.tags === "function") return `${ledger?.lineage}:${ledger?.count};${era}`
  const stamp = stampOf(plan.tags ?? [], basis.records)
  return stamp === undefined ? {} : `${stamp.names};${stamp.hard};${stamp.soft};${era}`
}

/** What each of the values bears, with one more round trip at most for all of them. By key. */
export const bornBy = <A, RD, RE>(
  { tags }: Context<A, RD, RE>,
  operation: string,
  plan: LookupPlan<A>,
  basis: TagBasis,
  values: Iterable<readonly [string, A]>
): Effect.Effect<(key: string) => Exit.Exit<Borne, CacheInputError>, CommandError> => {
  if (basis === undefined) return Exit.succeed(() => untagged)
  if (basis === "unknown") return Exit.succeed(() => refused)
  const named = new Map<string, Exit.Exit<ReadonlyArray<string> | undefined, CacheInputError>>()
  const all = new Set<string>()
  let longest = 0
  for (const [key, value] of values) {
    const bound = plan.longest(value)
    const names = bound === 0 ? untagged : namesFor(operation, plan, key, value)
    named.set(key, names)
    if (!Exit.isSuccess(names) || names.value === undefined) continue
    longest = Math.max(longest, bound)
    for (const name of names.value) all.add(name)
  }
  const isKnown = typeof plan.tags !== "function"
  const { records } = basis
  // Tokens that were read before live long enough, or are prolonged.
  const after =
    all.size === 0 || (isKnown && longest <= basis.lifetime) ? Exit.succeed(records) : tags.ensure([...all], longest)
  return Effect.mapEager(after, (after) => (key) => {
    const names = named.get(key) ?? untagged
    if (!Exit.isSuccess(names)) return Exit.failCause(names.cause)
    if (names.value === undefined) return untagged
    if (isKnown) return Exit.succeed(stampOf(names.value, records) ?? "refused")
    return isUntouched(names.value, records, after) ? Exit.succeed(stampOf(names.value, after) ?? "refused") : refused
  })
}

const namesFor = <A>(operation: string, { tags }: LookupPlan<A>, key: string, value: A) => {
  if (typeof tags !== "function") return Exit.succeed(tags)
  const given = attempted(operation, "the function tags", () => tags(value, key))
  return Exit.isSuccess(given) ? namesOf(operation, given.value, undefined) : given
}
