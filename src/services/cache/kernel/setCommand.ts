/** SET, and the times that are stored with a value. */
import { Clock, Effect } from "effect"
import type { Arg } from "../../../schema/Command.ts"
import type { Stored, Timing } from "../../../schema/frame.ts"
import type { SetOptions } from "../../operations/CacheValues.ts"
import { type End, remaining } from "./End.ts"

/** Of a value that can become stale; undefined for one that cannot, because it lives for ever or not at all. */
export const timingFor = (end: End, cost: number): Effect.Effect<Timing | undefined> =>
  Effect.flatMap(remaining(end), (timeToLive) =>
    Effect.map(Clock.currentTimeMillis, (now) =>
      timeToLive > 0 && timeToLive < Infinity
        ? {
            freshUntil: typeof end === "number" ? Math.ceil(now) + timeToLive : end.until,
            timeToLive,
            cost: Math.max(0, Math.ceil(cost))
          }
        : undefined
    )
  )

/** Of SET; undefined = the key keeps its lifetime. */
export const setArguments = (
  key: string,
  value: Stored,
  end: End | undefined,
  options?: Pick<SetOptions, "when">
): Array<Arg> => {
  const args: Array<Arg> = [key, value]
  if (end === undefined) args.push("KEEPTTL")
  else if (typeof end === "object") args.push("PXAT", String(end.until))
  // As text, which needs no conversion on its way.
  else if (end !== Infinity) args.push("PX", String(end))
  if (options?.when !== undefined) args.push(options.when === "absent" ? "NX" : "XX")
  return args
}
