import { Effect, Layer } from "effect"
import { CacheLive, ValkeySentinel } from "effect-vcache"
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
import { passBoth, pause } from "../support/pause.ts"
import { startSentinelFleet } from "../support/SentinelFleet.ts"
import { sharedInFile } from "../support/sharedInFile.ts"

const fleet = sharedInFile(startSentinelFleet())

/** The fleet as if it had just been started. */
const client = Layer.unwrap(
  Effect.gen(function* () {
    const { primary, url } = yield* fleet
    yield* (yield* primary).call("FLUSHALL")
    return ValkeySentinel.layer({ ...patient, url })
  })
)

cacheContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client), { pass: pause })
clientContract("the client on a primary with sentinels", client)
invalidationContract("the client on a primary with sentinels", client)
nearContract("the cache on a primary with sentinels", withElsewhere(client), { pass: passBoth })
tagContract("the cache on a primary with sentinels", withElsewhere(client))
lookupContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
structureContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
pipelineContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
streamContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
applicationContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
coordinationContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
sessionContract("the cache on a primary with sentinels", Layer.provide(CacheLive, client))
