/** What befalls the records of tags on a cluster, as operators do it: nothing is lost, and another server has them. */
import { Effect, Option } from "effect"
import { slotOfKey } from "../../../src/layers/connection/cluster/slot.ts"
import type { ClusterFleet } from "../ClusterFleet.ts"
import { until } from "../until.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"

const slot = slotOfKey("%vcache:tags:{p#tags}")

/**
 * The milliseconds after which a server counts as failed. It bounds how often replicas are promoted, and a server that a busy
 * machine does not run for a second has not failed.
 */
export const downAfter = 2000

/**
 * A replica asks for votes once in this time, in milliseconds, and no primary votes again for the same shard. A promotion that
 * is asked for earlier waits for votes in vain, and the primary keeps its clients waiting for ten seconds.
 */
const termOfOffice = 4 * downAfter + 500

export interface RecordFaults {
  /** Every server knows who has the records, and each primary has a replica that has caught up. */
  readonly settled: Effect.Effect<void>
  /** The replica of whoever has the records takes its place, or they move, where it may not be elected yet. */
  readonly promote: Effect.Effect<void>
  /** The records move to the next primary, key by key. */
  readonly move: Effect.Effect<void>
  readonly counts: { promotions: number; moves: number }
}

export const recordFaults = ({ move, ownerOf, servers, settled }: ClusterFleet): RecordFaults => {
  const counts = { promotions: 0, moves: 0 }
  const electedAt = new Map<ValkeyServer, number>()
  let isUnderWay = false
  const owners = (slot: number) => Effect.forEach(servers, (server) => ownerOf(slot, server), { concurrency: 6 })
  const agreed = Effect.forEach([0, 6000, 12_000, slot], (slot) =>
    until(`one owner of slot ${slot}`, owners(slot), (owners) => new Set(owners).size === 1)
  )
  const allSettled = Effect.andThen(agreed, settled)
  /** One at a time. */
  const alone = (fault: Effect.Effect<void, unknown>) =>
    Effect.suspend(() => {
      if (isUnderWay) return Effect.void
      isUnderWay = true
      return Effect.ensuring(
        Effect.ignore(fault),
        Effect.sync(() => (isUnderWay = false))
      )
    })
  const moveNow = Effect.gen(function* () {
    const from = (yield* ownerOf(slot))!
    const primaries = new Set(yield* Effect.forEach([0, 6000, 12_000], (slot) => ownerOf(slot)))
    primaries.delete(from)
    const [to] = primaries
    yield* move([slot], from, to!)
    counts.moves++
  })
  const promoteNow = Effect.gen(function* () {
    const primary = yield* ownerOf(slot)
    const at = servers.findIndex((server) => server === primary)
    const replica = servers[(at + 3) % servers.length]!
    const isTooEarly = performance.now() - (electedAt.get(replica) ?? -Infinity) < termOfOffice
    // A server that has not heard of the last promotion takes the replica for a primary, and does not vote for it.
    if (isTooEarly || Option.isNone(yield* Effect.timeoutOption(allSettled, "1 second"))) return yield* moveNow
    electedAt.set(replica, performance.now())
    if ((yield* replica.call("CLUSTER", "FAILOVER")) !== "OK") return
    const owner = Effect.map(ownerOf(slot, replica), (owner) => owner?.node)
    // A replica that has not caught up in time gives up.
    const promoted = yield* Effect.timeoutOption(
      until("the promotion", owner, (node) => node === replica.node),
      "3 seconds"
    )
    if (Option.isSome(promoted)) counts.promotions++
  })
  return {
    settled: allSettled,
    promote: alone(promoteNow),
    move: alone(moveNow),
    counts
  }
}
