/** What can be done with what a key holds. */
import { Clock, Effect, Exit, type Fiber, Option, Random } from "effect"
import type { Found } from "../kernel/entry.ts"
import type { FailedRefreshes } from "./FailedRefreshes.ts"
import { isClaimed } from "./claim.ts"
import { isEarly, type LookupPlan } from "./LookupPlan.ts"

/**
 * fresh = serve it; early = and refresh it; stale = refresh it, and serve it meanwhile; claimed = stale, and being
 * refreshed elsewhere; resting = stale, and its source failed a moment ago.
 */
export type Verdict = "fresh" | "early" | "stale" | "claimed" | "resting" | "miss"

/** Whether it is of a value past its lifetime. */
export const isStale = (verdict: Verdict | "failed" | "unknown"): boolean =>
  verdict === "stale" || verdict === "claimed" || verdict === "resting"

/** What can be said without drawing lots. */
export const verdictAt = <A>(found: Found<A>, plan: LookupPlan<A>, now: number): Verdict => {
  if (Option.isNone(found.value)) return "miss"
  const timing = found.header?.timing
  const isInTime = timing === undefined || now < timing.freshUntil
  if (isInTime && !found.isOutdated) return "fresh"
  // What was made stale before its time is served as long as it would have been without that, and needs no `staleFor`.
  if (!isInTime && now >= timing.freshUntil + plan.staleFor(found.value.value)) return "miss"
  return isClaimed(found, now) ? "claimed" : "stale"
}

/** `drawn`: for a value that is fresh until then the lot has been drawn, and it is to be refreshed. */
export const verdictOf = <A>(
  found: Found<A> | undefined,
  plan: LookupPlan<A>,
  failedRefreshes: FailedRefreshes,
  final: string,
  drawn?: number
): Effect.Effect<Verdict> => {
  if (found === undefined) return Exit.succeed("miss")
  if (found.header?.timing === undefined && !found.isOutdated) return Exit.succeed(verdictAt(found, plan, 0))
  return Effect.withFiber((caller) => {
    const now = caller.getRef(Clock.Clock).currentTimeMillisUnsafe()
    return Exit.succeed(verdictNow(found, plan, failedRefreshes, final, now, caller, drawn))
  })
}

/** The same of what was found, by the caller's chance. */
export const verdictNow = <A>(
  found: Found<A>,
  plan: LookupPlan<A>,
  failedRefreshes: FailedRefreshes,
  final: string,
  now: number,
  caller: Fiber.Fiber<unknown, unknown>,
  drawn?: number
): Verdict => {
  const verdict = verdictAt(found, plan, now)
  const isDue = verdict === "fresh" && isDrawn(found, plan, now, caller, drawn)
  if (verdict === "miss" || (verdict === "fresh" && !isDue)) return verdict
  if (failedRefreshes.isResting(final, now)) return verdict === "stale" ? "resting" : verdict
  return isDue ? "early" : verdict
}

/** Whether the lot has fallen on who asks now: a fresh value is to be refreshed. */
const isDrawn = <A>(
  found: Found<A>,
  { earlyRefresh }: LookupPlan<A>,
  now: number,
  caller: Fiber.Fiber<unknown, unknown>,
  drawn: number | undefined
): boolean => {
  const timing = found.header?.timing
  if (timing === undefined || isClaimed(found, now)) return false
  if (drawn === timing.freshUntil) return true
  const random = () => caller.getRef(Random.Random).nextDoubleUnsafe()
  return earlyRefresh !== undefined && isEarly(earlyRefresh, timing, now, random)
}
