/** Reads of several servers whose replies may be kept. */
import { Effect, Exit } from "effect"
import { type CommandError, isCacheError } from "../../schema/CacheError.ts"
import type { TrackedReply } from "../../schema/Invalidation.ts"
import type { Invalidations, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { slotOfKey } from "../connection/cluster/slot.ts"

type Tracking = Pick<ValkeyClientShape, "tracked">

export const trackedOver =
  (ofSlot: (slot: number) => { readonly client: Tracking } | CommandError): Invalidations["tracked"] =>
  (keys, options) =>
    Effect.suspend(() => {
      const shares = new Map<Tracking, Array<number>>()
      for (const [i, key] of keys.entries()) {
        const server = ofSlot(slotOfKey(key))
        if (isCacheError(server)) return Exit.fail(server)
        const share = shares.get(server.client)
        if (share === undefined) shares.set(server.client, [i])
        else share.push(i)
      }
      const parts = Effect.forEach(
        shares,
        ([{ tracked }, share]) =>
          Effect.map(
            tracked(
              share.map((i) => keys[i]!),
              options
            ),
            (replies) => replies.map((reply, at): readonly [number, TrackedReply] => [share[at]!, reply])
          ),
        { concurrency: "unbounded" }
      )
      return Effect.map(parts, (replies) => {
        const inOrder = new Map(replies.flat())
        return keys.flatMap((_, i) => inOrder.get(i) ?? [])
      })
    })
