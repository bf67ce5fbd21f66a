/** The options of a lookup, checked, in numbers. */
import { Duration, Effect, Exit, Random } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { refused } from "../../schema/failures.ts"
import type { Timing } from "../../schema/Frame.ts"
import { toMillis, withJitter } from "../../schema/TimeToLive.ts"
import type { LookupOption } from "../CacheService.ts"

/** Times are in milliseconds; `Infinity` = for ever. */
export interface LookupPlan<A> {
  readonly timeToLive: (value: A) => Effect.Effect<number, CacheInputError>
  readonly staleFor: number
  readonly earlyRefresh: LookupOption<A>["earlyRefresh"]
  readonly softTimeout: number | undefined
  readonly cluster: boolean
  /** Values are stored with the times that these options need. */
  readonly timed: boolean
}

interface Defaults {
  readonly timeToLive: number
  readonly jitter: number
}

export const lookupPlan = <A>(
  operation: string,
  options: LookupOption<A>,
  defaults: Defaults
): Exit.Exit<LookupPlan<A>, CacheInputError> => {
  const { earlyRefresh, singleFlight, softTimeout, timeToLive } = options
  const jitter = options.jitter ?? defaults.jitter
  if (!(jitter >= 0 && jitter <= 1)) return refused(operation, "jitter must be between 0 and 1")
  const staleFor = options.staleFor === undefined ? 0 : toMillis(options.staleFor)
  if (staleFor === undefined) return refused(operation, "staleFor is not a duration")
  const softMillis = softTimeout === undefined ? undefined : toMillis(softTimeout)
  if (softTimeout !== undefined && softMillis === undefined) return refused(operation, "softTimeout is not a duration")
  if (singleFlight !== undefined && singleFlight !== "process" && singleFlight !== "cluster") {
    return refused(operation, "singleFlight must be process or cluster")
  }
  if (earlyRefresh?._tag === "xfetch" && !((earlyRefresh.beta ?? 1) > 0)) {
    return refused(operation, "beta must be above zero")
  }
  if (earlyRefresh?._tag === "fraction" && !(earlyRefresh.of > 0 && earlyRefresh.of < 1)) {
    return refused(operation, "the fraction of the lifetime must be between 0 and 1")
  }

  const spread = (millis: number): Effect.Effect<number> =>
    jitter === 0 ? Exit.succeed(millis) : Effect.map(Random.next, (random) => withJitter(millis, jitter, random))
  const lifetime = (input: Duration.Input | undefined) => {
    const millis = input === undefined ? defaults.timeToLive : toMillis(input)
    return millis === undefined ? refused(operation, "timeToLive is not a duration") : spread(millis)
  }
  // A lifetime that cannot be must be refused before the lookup runs.
  const fixed = typeof timeToLive === "function" ? undefined : lifetime(timeToLive)
  if (fixed !== undefined && Exit.isExit(fixed) && Exit.isFailure(fixed)) return Exit.failCause(fixed.cause)
  return Exit.succeed({
    timeToLive:
      typeof timeToLive === "function"
        ? (value: A) => Effect.suspend(() => lifetime(timeToLive(value)))
        : () => lifetime(timeToLive),
    staleFor,
    earlyRefresh,
    softTimeout: softMillis,
    cluster: singleFlight === "cluster",
    timed: staleFor > 0 || earlyRefresh !== undefined
  })
}

/** Whether a fresh value should be refreshed now. */
export const isEarly = (
  earlyRefresh: NonNullable<LookupOption["earlyRefresh"]>,
  { cost, freshUntil, timeToLive }: Timing,
  now: number
): Effect.Effect<boolean> => {
  const remaining = freshUntil - now
  if (earlyRefresh._tag === "fraction") return Effect.succeed(remaining <= timeToLive * (1 - earlyRefresh.of))
  // XFetch: the longer a lookup takes, the earlier somebody begins. The logarithm is of a number in (0, 1].
  const reach = cost * (earlyRefresh.beta ?? 1)
  return Effect.map(Random.next, (random) => remaining <= -reach * Math.log(1 - random))
}
