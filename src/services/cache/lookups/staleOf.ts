/** What a lookup is shown of the value that it is to replace. */
import { Clock, Duration, Effect, Exit, Option } from "effect"
import type { Header } from "../../../schema/frame.ts"
import { tagsIn } from "../../../schema/TagStamp.ts"
import type { Lookup, Stale } from "../../operations/CacheLookups.ts"
import { LookedUp } from "../../operations/LookedUp.ts"
import type { Found } from "../kernel/entry.ts"
import type { TagJudges } from "../tags/Tags.ts"
import type { TagBasis } from "./lookupTags.ts"

/** The lookup, which is shown the value that it is to replace if it asks for it. */
export const lookupOf = <A, E, R>(
  lookup: Lookup<A, E, R>,
  found: Found<A> | undefined
): Effect.Effect<A | LookedUp<A>, E, R> => {
  // A class of a service is a function, too.
  if (Effect.isEffect(lookup)) return lookup
  if (found === undefined || Option.isNone(found.value)) return Effect.suspend(() => lookup(Option.none()))
  return Effect.flatMap(Clock.currentTimeMillis, (now) => lookup(Option.fromUndefinedOr(staleIn(found, now))))
}

/**
 * What the lookup may be shown: it was judged by its tags before the basis of the lookup was read, and whatever the lookup gives
 * back of it counts as made afterwards.
 */
export const stillThere = <A, E, R>(
  tags: TagJudges,
  lookup: Lookup<A, E, R>,
  found: Found<A> | undefined,
  basis: TagBasis
): Effect.Effect<Found<A> | undefined> => {
  const stamp = found === undefined || Option.isNone(found.value) ? undefined : found.header?.tags
  if (Effect.isEffect(lookup) || basis === undefined || stamp === undefined) return Exit.succeed(found)
  const isGone = Effect.match(tags.judge(stamp), {
    // Of what nobody can tell.
    onFailure: () => true,
    onSuccess: (verdict) => verdict === "gone"
  })
  return Effect.map(isGone, (isGone) => (isGone ? undefined : found))
}

/** What the key holds, where it is a value. */
export const staleIn = <A>(found: Found<A> | undefined, now: number): Stale<A> | undefined =>
  found === undefined || Option.isNone(found.value) ? undefined : staleOf(found.value.value, found.header, now)

const staleOf = <A>(value: A, header: Header | undefined, now: number): Stale<A> => {
  const tags = tagNamesIn(header)
  return {
    value,
    age: ageIn(header, now),
    tags,
    unchanged: ({ timeToLive } = {}) => new LookedUp(value, { timeToLive, tags }, true)
  }
}

/** Of a value that was judged by them. */
export const tagNamesIn = (header: Header | undefined): ReadonlyArray<string> =>
  header?.tags === undefined ? [] : tagsIn(header.tags.names)

/** The time since the value was stored; none where it is stored without times. */
export const ageIn = (header: Header | undefined, now: number): Option.Option<Duration.Duration> => {
  const timing = header?.timing
  if (timing === undefined) return Option.none()
  return Option.some(Duration.millis(Math.max(0, now - timing.freshUntil + timing.timeToLive)))
}
