/** The stores that the admin pages are tested on: the memory of this process, a server, a cluster of three primaries, a ring of three servers. */
import { Effect, type Layer } from "effect"
import { type ValkeyClient, ValkeyCluster, ValkeyMemory, ValkeyRing, ValkeyStandalone } from "effect-vcache"
import { startCluster } from "./ClusterFleet.ts"
import { startRing } from "./RingFleet.ts"
import { sharedInFile } from "./sharedInFile.ts"
import { startServer } from "./ValkeyServer.ts"

export type AdminTopology = readonly [name: string, client: Layer.Layer<ValkeyClient, unknown>]

/** Starts the servers once for a file of tests, with these arguments. */
export const adminTopologies = (...args: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<AdminTopology>> =>
  Effect.map(
    sharedInFile(
      Effect.all([startServer(...args), startCluster({ replicas: 0, args }), startRing(...args)], {
        concurrency: "unbounded"
      })
    ),
    ([server, cluster, ring]) => [
      ["in memory", ValkeyMemory.layer()],
      ["on a server", ValkeyStandalone.layer({ url: server.url })],
      ["in a cluster", ValkeyCluster.layer({ url: cluster.url })],
      ["in a ring", ValkeyRing.layer({ urls: ring.urls })]
    ]
  )
