/** Acknowledges and claims a pending entry of a group, if it is still with the consumer that the visitor saw. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { list, shown } from "../inspection/replies.ts"
import type { Outcome } from "./compareAndSet.ts"
import { EditRefused } from "./EditRefused.ts"

export type PendingEdit =
  | { readonly _tag: "Acknowledge" }
  /** It counts as delivered to that consumer now. */
  | { readonly _tag: "Claim"; readonly consumer: string }

/** A pending entry, its consumer, and for how many milliseconds it was idle when the visitor saw it. */
export interface PendingSeen {
  readonly group: string
  readonly id: string
  readonly consumer: string
  readonly idle: number
}

/** Two round trips. An entry that was delivered again meanwhile stays as it is: it has been idle for less time than the visitor saw. */
export const editPending = (
  client: ValkeyClientShape,
  key: string,
  edit: PendingEdit,
  { consumer, group, id, idle }: PendingSeen
): Effect.Effect<Outcome, CommandError | EditRefused> =>
  Effect.gen(function* () {
    const [entry] = list(yield* client.send("XPENDING", [key, group, id, id, 1]))
    if (entry === undefined) return "gone"
    const [, owner, idleNow] = list(entry)
    if (shown(owner) !== consumer || Number(shown(idleNow)) < idle) return "changed"
    if (edit._tag === "Acknowledge") return (yield* client.send("XACK", [key, group, id])) === 1 ? "done" : "gone"
    if (edit.consumer === "" || !edit.consumer.isWellFormed()) {
      return yield* new EditRefused({ reason: "A consumer needs a name." })
    }
    const claimed = list(yield* client.send("XCLAIM", [key, group, edit.consumer, idle, id, "JUSTID"]))
    return claimed.length === 1 ? "done" : "changed"
  })
