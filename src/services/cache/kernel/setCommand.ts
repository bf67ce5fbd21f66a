/** SET, and the times that are stored with a value. */
import { Clock, Effect, Exit } from "effect"
import type { Arg } from "../../../schema/Command.ts"
import type { Stored, Timing } from "../../../schema/frame.ts"
import type { SetOptions } from "../../operations/CacheValues.ts"

/** Of a value that can become stale; undefined for one that cannot, because it lives for ever or not at all. */
export const timingFor = (timeToLive: number, cost: number): Effect.Effect<Timing | undefined> =>
  timeToLive > 0 && timeToLive < Infinity
    ? Effect.map(Clock.currentTimeMillis, (now) => ({
        freshUntil: Math.ceil(now) + timeToLive,
        timeToLive,
        cost: Math.max(0, Math.ceil(cost))
      }))
    : Exit.succeed(undefined)

/** Of SET; undefined = the key keeps its lifetime. */
export const setArguments = (
  key: string,
  value: Stored,
  millis: number | undefined,
  options?: SetOptions
): Array<Arg> => {
  const args: Array<Arg> = [key, value]
  if (millis === undefined) args.push("KEEPTTL")
  // As text, which needs no conversion on its way.
  else if (millis !== Infinity) args.push("PX", String(millis))
  if (options?.when !== undefined) args.push(options.when === "absent" ? "NX" : "XX")
  return args
}
