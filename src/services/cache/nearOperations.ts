/**
 * Reads that are answered in this process where they can be. Such an answer passes the policies that observe; all else takes
 * its way through all policies to the server.
 */
import { Clock, Effect, Exit, type Fiber, Option } from "effect"
import type { ValueError } from "../../schema/CacheError.ts"
import { type EntryName, valueNow } from "../../schema/ValueCodec.ts"
import type { TagStamp } from "../../schema/TagStamp.ts"
import type { CacheBatches } from "../operations/CacheBatches.ts"
import type { CacheValues } from "../operations/CacheValues.ts"
import type { KeyOptions } from "../operations/KeyOptions.ts"
import type { CacheContext } from "./kernel/context.ts"
import { isLive } from "./kernel/entry.ts"
import { declare, declareRead } from "./kernel/declare.ts"
import { entriesOf } from "./kernel/readMany.ts"
import { liveNear } from "./kernel/nearReads.ts"
import { valuesInOrder } from "./kernel/valuesInOrder.ts"
import { KeyRead, type Read } from "./KeyRead.ts"
import { absent, type NearValue } from "./near/NearValue.ts"
import type { ReadAll } from "./values/batchOperations.ts"

type Reads<A, RD, RE> = Pick<CacheValues<A, RD, RE>, "get" | "has"> & Pick<CacheBatches<A, RD, RE>, "getMany">

/** `operations` pass the policies. */
export const nearOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  operations: Reads<A, RD, RE>,
  readAll: ReadAll<A, RD>
): Reads<A, RD, RE> => {
  const { finalKey, guard, guardNear, near, nearTags, policy, uncheckedFinal } = context
  if (near === undefined || nearTags === undefined) return operations
  /** Undefined where the key is refused, which the operation itself says. */
  const nameOf = (operation: string, key: string, options: KeyOptions | undefined): EntryName | undefined => {
    const isOwn = options?.version === undefined
    // What has been read has been checked.
    const unchecked = near.holdsAll ? undefined : uncheckedFinal(key, options)
    if (unchecked !== undefined) return { operation, key, final: unchecked, isOwn }
    const final = finalKey(operation, key, options)
    return Exit.isSuccess(final) ? { operation, key, final: final.value, isOwn } : undefined
  }

  /** The value that is near, or that the key holds none; undefined where the server is to be asked. */
  const liveIn = (name: EntryName | undefined, caller: Fiber.Fiber<unknown, unknown>) => {
    if (name === undefined) return undefined
    const kept = near.find(name, caller)
    if (kept === undefined) return undefined
    const verdict = nearTags.verdict(kept.header?.tags, caller)
    if (verdict === undefined) return undefined
    near.hit()
    return verdict === "live" ? near.live(name, kept) : Effect.succeedNone
  }

  const isObserved = policy?.forNear !== undefined

  const read: Read<Option.Option<A>, ValueError, RD> = (key, options, caller) => {
    const isOwn = typeof key === "string" && options?.version === undefined
    const shared = isOwn ? near.shared(key, caller) : undefined
    const mayFind = shared === undefined && (!isOwn || near.mayFind(key))
    const live = mayFind ? liveIn(nameOf("get", key, options), caller) : shared
    if (live === undefined) return operations.get(key, options)
    return isObserved ? guardNear({ ...declareRead<A>("get", key), near: 1 }, live) : live
  }

  const get: Reads<A, RD, RE>["get"] = (key, options) =>
    options?.near === false ? operations.get(key, options) : new KeyRead(read, key, options)

  const has: Reads<A, RD, RE>["has"] = (key, options) => {
    const name = nameOf("has", key, options)
    if (options?.near === false || name === undefined) return operations.has(key, options)
    return Effect.withFiber((caller) => {
      // A key without a value may have something else.
      const kept = near.held(name, caller)
      if (kept === undefined) return operations.has(key, options)
      const { header, value } = kept
      const verdict = nearTags.verdict(header?.tags, caller)
      if (verdict === undefined) return operations.has(key, options)
      near.hit()
      const isThere =
        header === undefined
          ? Exit.succeed(value !== absent)
          : verdict === "live"
            ? isLive({ ...header, tags: undefined })
            : Exit.succeed(false)
      return guardNear({ ...declare("has", key, false), near: 1 }, isThere)
    })
  }

  /** The values among what is near that need no server, and no services, to be read. */
  const nearPart = (
    names: ReadonlyArray<EntryName>,
    known: ReadonlyArray<NearValue | undefined>,
    caller: Fiber.Fiber<unknown, unknown>
  ): ReadonlyMap<string, A> => {
    const now = caller.getRef(Clock.Clock).currentTimeMillisUnsafe()
    const part = new Map<string, A>()
    names.forEach((name, i) => {
      const kept = known[i]
      if (kept === undefined || kept.value === absent || now >= (kept.header?.timing?.freshUntil ?? Infinity)) return
      if (nearTags.verdict(kept.header?.tags, caller) !== "live") return
      const value = valueNow(near.value(name, kept))
      if (value !== undefined) part.set(name.key, value.value)
    })
    return part
  }

  const getMany: Reads<A, RD, RE>["getMany"] = (keys, options) => {
    if (options?.near === false) return operations.getMany(keys, options)
    return Effect.withFiber((caller) => {
      const all = [...keys]
      const entries = entriesOf(context, "getMany", all, options)
      if (!Exit.isSuccess(entries)) return operations.getMany(all, options)
      const names = entries.value
      const known: Array<NearValue | undefined> = []
      const stamps: Array<TagStamp> = []
      let found = 0
      for (const name of names) {
        const kept = near.find(name, caller)
        known.push(kept)
        if (kept === undefined) continue
        near.hit()
        found++
        if (kept.header?.tags !== undefined) stamps.push(kept.header.tags)
      }
      if (found === 0) return operations.getMany(all, options)
      const tally = ({ size }: ReadonlyMap<string, A>) => ({ hits: size, misses: names.length - size })
      const declared = { ...declare("getMany", undefined, new Map<string, A>()), tally, near: found }
      const judge = found === names.length ? nearTags.judgeNear(stamps, caller) : undefined
      if (judge === undefined) {
        // What is near is there, whatever the server says of the rest.
        const operation = {
          ...declared,
          get neutral() {
            return Option.some(nearPart(names, known, caller))
          }
        }
        return guard(operation, readAll(names, known))
      }
      return guardNear(
        declared,
        valuesInOrder(names, (i) => liveNear(near, names[i]!, known[i]!, judge))
      )
    })
  }

  return { get, has, getMany }
}
