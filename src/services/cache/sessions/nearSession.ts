/** What the near cache knows of a session, for reads that do not extend it. */
import { Duration, Effect, type Fiber } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import { type EntryName, type ValueCodec, valueNow } from "../../../schema/ValueCodec.ts"
import type { NearTags } from "../kernel/NearTags.ts"
import type { Judge } from "../tags/Tags.ts"
import { absent } from "../near/NearValue.ts"
import type { NearView } from "../near/NearView.ts"
import { isTombstone } from "./sessionScripts.ts"
import { type Absence, type Found, type Standing, standingOf } from "./standing.ts"

/** What the near cache knows of the session; undefined where the server has to be asked. */
export const nearStanding = <A, RD>(
  near: NearView<A, RD>,
  nearTags: NearTags,
  entry: EntryName,
  caller: Fiber.Fiber<unknown, unknown>
): Found<A> | Absence | undefined => {
  const kept = near.find(entry, caller)
  if (kept === undefined) return undefined
  if (kept.value === absent) {
    near.hit()
    return "Missing"
  }
  // What has a time is no session of ours.
  if (kept.header?.timing !== undefined) return undefined
  const verdict = nearTags.verdict(kept.header?.tags, caller)
  if (verdict === undefined) return undefined
  if (verdict !== "live") {
    near.hit()
    return "Missing"
  }
  const left = near.left(entry.final, caller)
  const value = valueNow(near.value(entry, kept))
  if (left === undefined || value === undefined) return undefined
  near.hit()
  return { data: value.value, expiresIn: Duration.millis(left) }
}

/** Reads the session from the server, and keeps it near where it can be kept. */
export const readStanding = <A, RD, RE>(
  near: NearView<A, RD>,
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  judge: Judge
): Effect.Effect<Standing<A> | Absence, ValueError, RD> =>
  Effect.flatMap(near.read(entry, true), (read): Effect.Effect<Standing<A> | Absence, ValueError, RD> => {
    const { reply } = read
    if (reply === null) return Effect.succeed("Missing")
    if (isTombstone(reply)) return Effect.succeed("Ended")
    return Effect.withFiber((caller) => standingOf(codec, entry, reply, near.leftOf(read, caller), judge))
  })
