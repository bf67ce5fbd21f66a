/** Histories of tags on a cluster, whose records change their server now and then. */
import { Context, Effect, Layer } from "effect"
import { ValkeyClient, ValkeyCluster } from "effect-vcache"
import type { ClusterFleet } from "../ClusterFleet.ts"
import type { Dice } from "../Dice.ts"
import type { RecordFaults } from "./recordFaults.ts"
import { type HistoryOutcome, tagHistory } from "./tagHistory.ts"

const maxStaleness = 500

/** What a machine may take longer than was promised, in milliseconds: the history is measured where it runs, among others. */
const unmeasured = 500

export const clusterHistory = (
  { ownerOf, url }: ClusterFleet,
  faults: RecordFaults,
  { dice, isNear, steps }: { readonly dice: Dice; readonly isNear: boolean; readonly steps: number }
): Effect.Effect<HistoryOutcome, unknown> =>
  Effect.gen(function* () {
    // The last promotion of the history before may be under way still.
    yield* faults.settled
    for (const slot of [0, 6000, 12_000]) yield* (yield* ownerOf(slot))!.call("FLUSHALL")
    const client = Effect.map(Layer.build(Layer.fresh(ValkeyCluster.layer({ url }))), (context) =>
      Context.get(context, ValkeyClient)
    )
    const clients = [yield* client, yield* client] as const
    let next = 0
    return yield* tagHistory(clients, {
      dice,
      steps,
      near: isNear ? { maxStaleness } : false,
      slack: isNear ? maxStaleness + unmeasured : 0,
      failover: Effect.suspend(() => (next++ % 2 === 0 ? faults.promote : faults.move)),
      mayFail: true
    })
  }).pipe(Effect.scoped)
