/** What a lookup can take from this process: a value that is fresh, or the knowledge that there is none. */
import { Clock, type Fiber, Random } from "effect"
import type { Header } from "../../../schema/frame.ts"
import { type EntryName, valueNow } from "../../../schema/ValueCodec.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { NearTags } from "../kernel/NearTags.ts"
import { absent, type NearValue } from "../near/NearValue.ts"
import type { NearView } from "../near/NearView.ts"
import { isEarlyBy, type LookupPlan } from "./LookupPlan.ts"

type Fresh<A> =
  | { readonly _tag: "Value"; readonly value: A; readonly header: Header | undefined }
  /** Fresh until then, and to be refreshed now: the lot has been drawn. */
  | { readonly _tag: "Early"; readonly freshUntil: number }

/** What is near of one cache. */
export interface Near<A, RD> {
  readonly near: NearView<A, RD>
  readonly nearTags: NearTags
}

/** What has become of the tags of what is near is not. */
export interface Untold {
  readonly _tag: "Untold"
  readonly kept: NearValue
  readonly stamp: TagStamp
}

export const nearIn = <A, RD, RE>({ near, nearTags }: CacheContext<A, RD, RE>): Near<A, RD> | undefined =>
  near && nearTags && { near, nearTags }

export type NearFound<A> = Fresh<A> | { readonly _tag: "Absent" } | Untold

/** Undefined where the server is to be asked: what is stale or claimed is judged by its stored form, which only the server has. */
export const nearFound = <A, RD>(
  { near, nearTags }: Near<A, RD>,
  name: EntryName,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): NearFound<A> | undefined => {
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
  return freshNear(near, name, kept, plan, caller)
}

/** Of what is near and live by its tags. */
export const freshNear = <A, RD>(
  near: NearView<A, RD>,
  name: EntryName,
  kept: NearValue,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): Fresh<A> | undefined => {
  const value = valueNow(near.value(name, kept))
  if (value === undefined) return undefined
  const { header } = kept
  if (header?.timing !== undefined) {
    const now = caller.getRef(Clock.Clock).currentTimeMillisUnsafe()
    const { freshUntil } = header.timing
    if (now >= freshUntil) return undefined
    if (isEarlyNow(header, plan, now, caller)) return { _tag: "Early", freshUntil }
  }
  near.hit()
  return { _tag: "Value", value: value.value, header }
}

const nothing = { _tag: "Absent" } as const

const isEarlyNow = (
  { claim, timing }: Header,
  { earlyRefresh }: LookupPlan<never>,
  now: number,
  caller: Fiber.Fiber<unknown, unknown>
): boolean => {
  if (earlyRefresh === undefined || timing === undefined) return false
  if (claim !== undefined && now < claim.until) return false
  return isEarlyBy(earlyRefresh, timing, now, () => caller.getRef(Random.Random).nextDoubleUnsafe())
}
