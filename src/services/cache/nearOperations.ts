/**
 * Reads that are answered in this process where they can be. Such an answer passes the policies that observe; all else takes
 * its way through all policies to the server.
 */
import { Effect, Exit, type Fiber, Option } from "effect"
import type { ValueError } from "../../schema/CacheError.ts"
import type { EntryName } from "../../schema/ValueCodec.ts"
import type { CacheBatches } from "../operations/CacheBatches.ts"
import type { CacheValues } from "../operations/CacheValues.ts"
import type { KeyOptions } from "../operations/KeyOptions.ts"
import type { CacheContext } from "./kernel/context.ts"
import { isLive } from "./kernel/entry.ts"
import { declare, declareRead } from "./kernel/declare.ts"
import { entriesOf } from "./kernel/readMany.ts"
import { valuesInOrder } from "./kernel/valuesInOrder.ts"
import { absent } from "./near/NearValue.ts"
import type { NearView } from "./near/NearView.ts"
import type { ReadAll } from "./values/batchOperations.ts"

type Reads<A, RD, RE> = Pick<CacheValues<A, RD, RE>, "get" | "has"> & Pick<CacheBatches<A, RD, RE>, "getMany">

/** `operations` pass the policies. */
export const nearOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  operations: Reads<A, RD, RE>,
  readAll: ReadAll<A, RD>
): Reads<A, RD, RE> => {
  const { finalKey, guard, guardNear, near, policy, uncheckedFinal } = context
  if (near === undefined) return operations
  /** Undefined where the key is refused, which the operation itself says. */
  const finalOf = (operation: string, key: string, options: KeyOptions | undefined): string | undefined => {
    const unchecked = uncheckedFinal(key, options)
    if (unchecked !== undefined) return unchecked
    const final = finalKey(operation, key, options)
    return Exit.isSuccess(final) ? final.value : undefined
  }

  const isObserved = policy?.forNear !== undefined

  const get: Reads<A, RD, RE>["get"] = (key, options) => {
    const final = finalOf("get", key, options)
    if (options?.near === false || final === undefined) return operations.get(key, options)
    return Effect.withFiber((caller) => {
      const live = liveIn(near, final, key, caller)
      if (live === undefined) return operations.get(key, options)
      return isObserved ? guardNear({ ...declareRead<A>("get", key), near: 1 }, live) : live
    })
  }

  const has: Reads<A, RD, RE>["has"] = (key, options) => {
    const final = finalOf("has", key, options)
    if (options?.near === false || final === undefined) return operations.has(key, options)
    return Effect.withFiber((caller) => {
      // A key without a value may have something else.
      const kept = near.held(final, caller)
      if (kept === undefined) return operations.has(key, options)
      near.hit()
      const { header, value } = kept
      const isThere = header === undefined ? Exit.succeed(value !== absent) : isLive(header)
      return guardNear({ ...declare("has", key, false), near: 1 }, isThere)
    })
  }

  const getMany: Reads<A, RD, RE>["getMany"] = (keys, options) => {
    if (options?.near === false) return operations.getMany(keys, options)
    return Effect.withFiber((caller) => {
      const all = [...keys]
      const entries = entriesOf(context, "getMany", all, options)
      if (!Exit.isSuccess(entries)) return operations.getMany(all, options)
      const known = new Map<string, Effect.Effect<Option.Option<A>, ValueError, RD>>()
      const rest: Array<EntryName> = []
      for (const name of entries.value) {
        const live = liveIn(near, name.final, name.key, caller)
        if (live === undefined) rest.push(name)
        else known.set(name.key, live)
      }
      if (known.size === 0) return operations.getMany(all, options)
      const tally = ({ size }: ReadonlyMap<string, A>) => ({ hits: size, misses: entries.value.length - size })
      const declared = { ...declare("getMany", undefined, new Map<string, A>()), tally, near: known.size }
      const read = rest.length === 0 ? nothing : readAll(rest)
      const merged = Effect.flatMapEager(read, (found) =>
        valuesInOrder(entries.value, (i) => {
          const { key } = entries.value[i]!
          return known.get(key) ?? Exit.succeed(found.has(key) ? Option.some(found.get(key)!) : Option.none())
        })
      )
      return (rest.length === 0 ? guardNear : guard)(declared, merged)
    })
  }

  return { get, has, getMany }
}

const nothing = Exit.succeed(new Map<string, never>())

/** The value that is near, or that the key holds none; undefined where the server is to be asked. */
const liveIn = <A, RD>(near: NearView<A, RD>, final: string, key: string, caller: Fiber.Fiber<unknown, unknown>) => {
  const kept = near.find(final, caller)
  if (kept === undefined) return undefined
  near.hit()
  return near.shared(kept) ?? near.live({ operation: "get", key, final }, kept)
}
