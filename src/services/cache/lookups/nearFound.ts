/** What a lookup can take from this process: a value that may be served, or the knowledge that there is none. */
import { Clock, type Fiber, Option } from "effect"
import type { Header } from "../../../schema/frame.ts"
import { type EntryName, valueNow } from "../../../schema/ValueCodec.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Found } from "../kernel/entry.ts"
import type { NearTags } from "../kernel/NearTags.ts"
import { absent, type NearValue } from "../near/NearValue.ts"
import type { NearView } from "../near/NearView.ts"
import type { FailedRefreshes } from "./FailedRefreshes.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { type Verdict, verdictNow } from "./verdict.ts"

/** A value that is served as it is. */
export interface NearHeld<A> {
  readonly _tag: "Value"
  readonly value: A
  readonly header: Header | undefined
  readonly verdict: Exclude<Verdict, "miss">
}

/** What is near of one cache. */
export interface Near<A, RD> {
  readonly near: NearView<A, RD>
  readonly nearTags: NearTags
  readonly failedRefreshes: FailedRefreshes
}

/** What has become of the tags of what is near is not. */
export interface Untold {
  readonly _tag: "Untold"
  readonly kept: NearValue
  readonly stamp: TagStamp
}

export const nearIn = <A, RD, RE>(
  { near, nearTags }: CacheContext<A, RD, RE>,
  failedRefreshes: FailedRefreshes
): Near<A, RD> | undefined => near && nearTags && { near, nearTags, failedRefreshes }

export type NearFound<A> = NearHeld<A> | { readonly _tag: "Absent" } | Untold

/** Undefined where the server is to be asked. */
export const nearFound = <A, RD>(
  here: Near<A, RD>,
  name: EntryName,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): NearFound<A> | undefined => {
  const { near, nearTags } = here
  const kept = near.find(name, caller)
  if (kept === undefined) return undefined
  if (kept.value === absent) {
    near.hit()
    return nothing
  }
  const stamp = kept.header?.tags
  if (stamp !== undefined) {
    const verdict = nearTags.verdict(stamp, caller)
    if (verdict === undefined) return { _tag: "Untold", kept, stamp }
    if (verdict !== "live") return undefined
  }
  return heldNear(here, name, kept, plan, caller)
}

/** Of what is near and live by its tags. */
export const heldNear = <A, RD>(
  { failedRefreshes, near }: Near<A, RD>,
  name: EntryName,
  kept: NearValue,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): NearHeld<A> | undefined => {
  const held = valueNow(near.value(name, kept))
  if (held === undefined) return undefined
  const { header } = kept
  const { value } = held
  let verdict: Verdict = "fresh"
  if (header?.timing !== undefined) {
    const now = caller.getRef(Clock.Clock).currentTimeMillisUnsafe()
    // The usual case: nothing is made for it.
    if (now >= header.timing.freshUntil || plan.earlyRefresh !== undefined) {
      verdict = verdictNow(foundNear(value, header), plan, failedRefreshes, name.final, now, caller)
    }
    if (verdict === "miss") return undefined
  }
  near.hit()
  return { _tag: "Value", value, header, verdict }
}

/** Of a value that is near the stored form is not: nothing can be put in its place before the server has been asked. */
export const foundNear = <A>(value: A, header: Header | undefined): Found<A> => ({
  stored: "",
  header,
  value: Option.some(value),
  isOutdated: false,
  isFailure: false
})

const nothing = { _tag: "Absent" } as const
