import { Effect, Layer } from "effect"
import { CacheLive, ValkeyCluster } from "effect-vcache"
import { cacheContract } from "../contracts/cacheContract.ts"
import { clientContract } from "../contracts/clientContract.ts"
import { invalidationContract } from "../contracts/invalidationContract.ts"
import { lookupContract } from "../contracts/lookupContract.ts"
import { applicationContract } from "../contracts/applicationContract.ts"
import { coordinationContract } from "../contracts/coordinationContract.ts"
import { nearContract } from "../contracts/nearContract.ts"
import { pipelineContract } from "../contracts/pipelineContract.ts"
import { sessionContract } from "../contracts/sessionContract.ts"
import { streamContract } from "../contracts/streamContract.ts"
import { structureContract } from "../contracts/structureContract.ts"
import { tagContract } from "../contracts/tagContract.ts"
import { withElsewhere } from "../support/near/elsewhere.ts"
import { patient } from "../support/faults.ts"
import { startCluster } from "../support/ClusterFleet.ts"
import { passBoth, pause } from "../support/pause.ts"
import { sharedInFile } from "../support/sharedInFile.ts"

const cluster = sharedInFile(startCluster())

/** The cluster as if it had just been started. */
const client = Layer.unwrap(
  Effect.gen(function* () {
    const { servers, url } = yield* cluster
    for (const primary of servers.slice(0, 3)) yield* primary.call("FLUSHALL")
    return ValkeyCluster.layer({ ...patient, url })
  })
)

cacheContract("the cache on a cluster", Layer.provide(CacheLive, client), { pass: pause })
clientContract("the client on a cluster", client)
invalidationContract("the client on a cluster", client)
nearContract("the cache on a cluster", withElsewhere(client), { pass: passBoth })
lookupContract("the cache on a cluster", Layer.provide(CacheLive, client))
structureContract("the cache on a cluster", Layer.provide(CacheLive, client))
pipelineContract("the cache on a cluster", Layer.provide(CacheLive, client))
streamContract("the cache on a cluster", Layer.provide(CacheLive, client))
applicationContract("the cache on a cluster", Layer.provide(CacheLive, client))
coordinationContract("the cache on a cluster", Layer.provide(CacheLive, client))
sessionContract("the cache on a cluster", Layer.provide(CacheLive, client))
tagContract("the cache on a cluster", withElsewhere(client))
