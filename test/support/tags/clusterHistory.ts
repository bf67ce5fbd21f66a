/** Histories of tags on a cluster, whose records change their primary now and then. */
import { Context, Effect, Layer, Option } from "effect"
import { ValkeyClient, ValkeyCluster } from "effect-vcache"
import { slotOfKey } from "../../../src/layers/connection/cluster/slot.ts"
import type { ClusterFleet } from "../ClusterFleet.ts"
import type { Dice } from "../Dice.ts"
import { until } from "../until.ts"
import { type HistoryOutcome, tagHistory } from "./tagHistory.ts"

const slot = slotOfKey("%vcache:tags:{p#tags}")
const maxStaleness = 500

/** What a machine may take longer than was promised, in milliseconds: the history is measured where it runs, among others. */
const unmeasured = 500

export const clusterHistory = (
  { ownerOf, servers, settled, url }: ClusterFleet,
  { dice, isNear, steps }: { readonly dice: Dice; readonly isNear: boolean; readonly steps: number }
): Effect.Effect<HistoryOutcome & { readonly failovers: number }, unknown> =>
  Effect.gen(function* () {
    // The last promotion of the history before may be under way still.
    yield* settled
    for (const slot of [0, 6000, 12_000]) yield* (yield* ownerOf(slot))!.call("FLUSHALL")
    const client = Effect.map(Layer.build(Layer.fresh(ValkeyCluster.layer({ url }))), (context) =>
      Context.get(context, ValkeyClient)
    )
    const clients = [yield* client, yield* client] as const
    let isUnderWay = false
    let failovers = 0
    /** As an operator does it: nothing is lost, and the history is another one. */
    const failover = Effect.gen(function* () {
      if (isUnderWay) return
      isUnderWay = true
      const primary = yield* ownerOf(slot)
      const at = servers.findIndex((server) => server === primary)
      const replica = servers[(at + 3) % servers.length]!
      const answer = yield* replica.call("CLUSTER", "FAILOVER")
      if (answer === "OK") {
        const owner = Effect.map(ownerOf(slot, replica), (owner) => owner?.node)
        // A replica that has not caught up in time gives up.
        const promoted = yield* Effect.timeoutOption(
          until("the promotion", owner, (node) => node === replica.node),
          "3 seconds"
        )
        if (Option.isSome(promoted)) failovers++
      }
    }).pipe(Effect.ensuring(Effect.sync(() => (isUnderWay = false))))
    const seen = yield* tagHistory(clients, {
      dice,
      steps,
      near: isNear ? { maxStaleness } : false,
      slack: isNear ? maxStaleness + unmeasured : 0,
      failover: Effect.ignoreCause(failover),
      mayFail: true
    })
    return { ...seen, failovers }
  }).pipe(Effect.scoped)
