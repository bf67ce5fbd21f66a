/** Servers in each topology, started when they are asked for. */
import { Effect, type Scope } from "effect"
import { startCluster } from "./ClusterFleet.ts"
import { startRing } from "./RingFleet.ts"
import { startSentinelFleet } from "./SentinelFleet.ts"
import { startServer } from "./ValkeyServer.ts"

export const fleets: ReadonlyArray<
  readonly [name: string, start: Effect.Effect<{ readonly url: string }, never, Scope.Scope>]
> = [
  ["one server", startServer()],
  ["a primary with sentinels", startSentinelFleet()],
  ["a cluster", startCluster({ replicas: 0 })],
  ["a ring", startRing()],
  // It is its own replica: reads take the way of reads, and see what was written before them.
  ["a primary with replicas", Effect.map(startServer(), ({ url }) => ({ url: `${url},${url}` }))]
]
