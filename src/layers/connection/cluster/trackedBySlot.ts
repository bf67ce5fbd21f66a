/** Reads of keys in any slots whose replies may be kept: one for each slot, in one write a server. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { amended } from "../../../schema/failures.ts"
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import type { TrackedReply } from "../../../schema/Invalidation.ts"
import type { Invalidations } from "../../../services/ValkeyClient.ts"
import type { Dispatcher } from "../Dispatcher.ts"
import type { MachineTime } from "../MachineTime.ts"
import { TrackedRead } from "../tracking/TrackedRead.ts"
import { slotOfKey } from "./slot.ts"

export const trackedBySlot =
  (dispatcher: Dispatcher, { commandTimeout }: ConnectionSettings, time: MachineTime): Invalidations["tracked"] =>
  (keys, { era = false, keep = true, many = keys.length > 1, reply = "utf8", tracking = "broadcast" } = {}) =>
    keys.length === 0
      ? Exit.succeed([])
      : Effect.callback((resume: (effect: Exit.Exit<ReadonlyArray<TrackedReply>, CommandError>) => void) => {
          const replies = new Map<number, TrackedReply>()
          const underWay = new Set<TrackedRead>()
          const terms = { era, keep, many, reply, tracking, timeout: commandTimeout, sentAt: time.past() }
          const abandon = () => {
            for (const read of underWay) dispatcher.abandon(read)
            underWay.clear()
          }
          /** `part`: the places of keys that are in one slot. */
          const readOf = (part: ReadonlyArray<number>): TrackedRead => {
            const read: TrackedRead = new TrackedRead(
              part.map((i) => keys[i]!),
              terms,
              (answers, error) => {
                if (!underWay.delete(read)) return
                // A slot that is being moved answers for several keys only while all are in one place.
                if (isSplit(error) && part.length > 1) return dispatcher.sendTogether(part.map((i) => readOf([i])))
                if (answers === undefined) {
                  abandon()
                  return resume(Exit.fail(amended(error!, { operation: "GET" })))
                }
                for (const [at, i] of part.entries()) replies.set(i, answers[at]!)
                if (underWay.size === 0) resume(Exit.succeed(keys.flatMap((_, i) => replies.get(i) ?? [])))
              }
            )
            underWay.add(read)
            return read
          }
          dispatcher.sendTogether(partsOf(keys).map(readOf))
          return Effect.sync(abandon)
        })

const isSplit = (error: CommandError | undefined): boolean =>
  error?._tag === "CacheServerError" && error.code === "TRYAGAIN"

const partsOf = (keys: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<number>> => {
  const parts = new Map<number, Array<number>>()
  for (const [i, key] of keys.entries()) {
    const slot = slotOfKey(key)
    const part = parts.get(slot)
    if (part === undefined) parts.set(slot, [i])
    else part.push(i)
  }
  return [...parts.values()]
}
