/**
 * The tags of looked-up values. Their records are read before the lookup, so that what is invalidated while it runs is not
 * stored as if it were new. Tags that are known only from the value, or from the lookup, get theirs after it; that none of
 * them was invalidated meanwhile is told by the ledger that was read before.
 */
import { Effect, Exit, Option } from "effect"
import type { CacheInputError, CommandError } from "../../../schema/CacheError.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import { attempted, refused } from "../../../schema/failures.ts"
import type { Lookup } from "../../operations/CacheLookups.ts"
import type { LookedUp } from "../../operations/LookedUp.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Found } from "../kernel/entry.ts"
import { namesOf } from "../kernel/tagging.ts"
import { isUntouched, stampOf, type TagRecords } from "../tags/TagRecords.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { tagNamesIn } from "./staleOf.ts"

/** The names of the tags where they are known before the lookup, or that they are not; undefined where there are none. */
export type KnownTags = ReadonlyArray<string> | "later" | undefined

/** What was known of the tags before the lookup; undefined where the values bear none, `"unknown"` where nobody said. */
export type TagBasis =
  | {
      readonly names: Exclude<KnownTags, undefined>
      readonly records: TagRecords
      /** Milliseconds for which the records live at least. */
      readonly lifetime: number
    }
  | "unknown"
  | undefined

/** What a value bears; `"refused"` where it is not to be stored. */
export type Borne = TagStamp | "refused" | undefined

const untagged: Exit.Exit<undefined> = Exit.succeed(undefined)
const notStored: Exit.Exit<"refused"> = Exit.succeed("refused")

type Context<A, RD, RE> = Pick<CacheContext<A, RD, RE>, "guard" | "tags">

/** Of lookups by that plan. */
export const plannedTags = <A>({ tags }: LookupPlan<A>): KnownTags =>
  tags === "lookup" || typeof tags === "function" ? "later" : tags

/** Of a lookup over what was found: one that says that this has not changed leaves it the tags that it has. */
export const knownTags = <A>(
  plan: LookupPlan<A>,
  lookup: Lookup<A, unknown, unknown>,
  found: Found<A> | undefined
): KnownTags => {
  if (plan.tags !== undefined || found?.header?.tags === undefined || Option.isNone(found.value)) {
    return plannedTags(plan)
  }
  return Effect.isEffect(lookup) ? undefined : tagNamesIn(found.header)
}

/** One round trip where values bear tags. */
export const tagsBefore = <A, RD, RE>(
  { guard, tags }: Context<A, RD, RE>,
  operation: string,
  key: string | undefined,
  plan: LookupPlan<A>,
  names: KnownTags
): Effect.Effect<TagBasis, CommandError> => {
  if (names === undefined) return untagged
  const lifetime = plan.usualLifetime
  return guard<TagBasis, CommandError, never>(
    { name: `${operation}.tags`, key, neutral: Option.some("unknown") },
    Effect.map(tags.ensure(names === "later" ? [] : names, lifetime), (records) => ({ names, records, lifetime }))
  )
}

/** Lookups that were begun on equal bases may be shared: nothing was invalidated between them. */
export const flightOf = (basis: TagBasis): unknown => {
  if (basis === undefined) return undefined
  // Nobody knows what was invalidated: it is nobody else's.
  if (basis === "unknown") return {}
  const { era, ledger } = basis.records
  if (basis.names === "later") return `${ledger?.lineage}:${ledger?.count};${era}`
  const stamp = stampOf(basis.names, basis.records)
  return stamp === undefined ? {} : `${stamp.names};${stamp.hard};${stamp.soft};${era}`
}

/** What each of the values bears, with one more round trip at most for all of them. By key. */
export const bornBy = <A, RD, RE>(
  { tags }: Context<A, RD, RE>,
  operation: string,
  plan: LookupPlan<A>,
  basis: TagBasis,
  answers: Iterable<readonly [string, LookedUp<A>]>
): Effect.Effect<(key: string) => Exit.Exit<Borne, CacheInputError>, CommandError> => {
  if (basis === "unknown") return Exit.succeed(() => notStored)
  const named = new Map<string, Exit.Exit<ReadonlyArray<string> | undefined, CacheInputError>>()
  const all = new Set<string>()
  let longest = 0
  for (const [key, answer] of answers) {
    // The usual case: nobody says a tag.
    if (plan.tags === undefined && answer.tags === undefined) continue
    const bound = plan.longest(answer)
    const names = bound === 0 ? untagged : namesFor(operation, plan, key, answer)
    named.set(key, names)
    if (!Exit.isSuccess(names) || names.value === undefined) continue
    longest = Math.max(longest, bound)
    for (const name of names.value) all.add(name)
  }
  const namesOfKey = (key: string) => named.get(key) ?? untagged
  if (basis === undefined) {
    return Exit.succeed((key) => {
      const names = namesOfKey(key)
      return Exit.isSuccess(names) ? untagged : Exit.failCause(names.cause)
    })
  }
  const isKnown = basis.names !== "later"
  const { records } = basis
  // Tokens that were read before live long enough, or are prolonged.
  const after =
    all.size === 0 || (isKnown && longest <= basis.lifetime) ? Exit.succeed(records) : tags.ensure([...all], longest)
  return Effect.mapEager(after, (after) => (key) => {
    const names = namesOfKey(key)
    if (!Exit.isSuccess(names)) return Exit.failCause(names.cause)
    if (names.value === undefined) return untagged
    if (isKnown) return Exit.succeed(stampOf(names.value, records) ?? "refused")
    return isUntouched(names.value, records, after) ? Exit.succeed(stampOf(names.value, after) ?? "refused") : notStored
  })
}

/** What a failure bears: it has the tags that are known before the lookup, and none that are told by the value. */
export const borneByFailure = (basis: TagBasis): Borne => {
  if (basis === undefined || basis === "unknown") return basis && "refused"
  return basis.names === "later" ? undefined : (stampOf(basis.names, basis.records) ?? "refused")
}

/** In their normal order; undefined where there are none. */
const namesFor = <A>(
  operation: string,
  { tags }: LookupPlan<A>,
  key: string,
  answer: LookedUp<A>
): Exit.Exit<ReadonlyArray<string> | undefined, CacheInputError> => {
  if (Array.isArray(tags))
    return answer.tags === undefined || answer.isUnchanged ? Exit.succeed(tags) : notAsked(operation)
  if (tags === undefined) {
    if (answer.isUnchanged) return namesOf(operation, answer.tags, undefined)
    return answer.tags === undefined ? untagged : notAsked(operation)
  }
  const own = tags === "lookup" || !answer.isUnchanged ? answer.tags : undefined
  if (own !== undefined || typeof tags !== "function") return namesOf(operation, own, undefined)
  const given = attempted(operation, "the function tags", () => tags(answer.value, key))
  return Exit.isSuccess(given) ? namesOf(operation, given.value, undefined) : given
}

/** Nobody has looked before the lookup what was invalidated. */
const notAsked = (operation: string) =>
  refused(operation, 'a lookup that gives tags needs the option tags: "lookup", or a function')
