/** Reads whose replies may be kept. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { amended } from "../../../schema/failures.ts"
import type { TrackedReply } from "../../../schema/Invalidation.ts"
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import type { Invalidations } from "../../../services/ValkeyClient.ts"
import type { Dispatcher } from "../Dispatcher.ts"
import type { MachineTime } from "../MachineTime.ts"
import { type OnTracked, TrackedRead } from "./TrackedRead.ts"

/** Where all keys have one server. */
export const trackedOnOne =
  (dispatcher: Dispatcher, { commandTimeout }: ConnectionSettings, time: MachineTime): Invalidations["tracked"] =>
  (keys, { era = false, keep = true, many = false, reply = "utf8", tracking = "broadcast" } = {}) =>
    keys.length === 0
      ? Exit.succeed([])
      : Effect.callback((resume: (effect: Exit.Exit<ReadonlyArray<TrackedReply>, CommandError>) => void) => {
          const onTracked: OnTracked = (replies, error) =>
            resume(replies === undefined ? Exit.fail(amended(error!, { operation: "GET" })) : Exit.succeed(replies))
          const terms = { era, keep, many, reply, tracking, timeout: commandTimeout, sentAt: time.past() }
          const read = new TrackedRead(keys, terms, onTracked)
          dispatcher.send(read)
          return Effect.sync(() => dispatcher.abandon(read))
        })
