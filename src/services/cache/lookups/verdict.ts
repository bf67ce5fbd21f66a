/** What can be done with what a key holds. */
import { Clock, Effect, Exit, Option } from "effect"
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
  const timing = found.header?.timing
  if (timing === undefined && !found.isOutdated) return Exit.succeed(verdictAt(found, plan, 0))
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const verdict = verdictAt(found, plan, now)
    if (verdict !== "miss" && failedRefreshes.isResting(final, now)) {
      return Exit.succeed(verdict === "stale" ? "resting" : verdict)
    }
    if (verdict === "fresh" && drawn !== undefined && drawn === timing?.freshUntil && !isClaimed(found, now))
      return Exit.succeed("early")
    if (timing === undefined || verdict !== "fresh" || plan.earlyRefresh === undefined || isClaimed(found, now)) {
      return Exit.succeed(verdict)
    }
    return Effect.map(isEarly(plan.earlyRefresh, timing, now), (early) => (early ? "early" : "fresh"))
  })
}
