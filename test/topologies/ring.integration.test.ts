import { Effect, Layer } from "effect"
import { CacheLive, ValkeyRing } from "effect-vcache"
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
import { startRing } from "../support/RingFleet.ts"
import { sharedInFile } from "../support/sharedInFile.ts"

const ring = sharedInFile(startRing())

const alone = Layer.unwrap(Effect.map(ring, ({ urls }) => ValkeyRing.layer({ ...patient, urls })))
const standingIn = Layer.unwrap(
  Effect.map(ring, ({ urls }) => ValkeyRing.layer({ ...patient, urls, whenDown: "next", structures: "next" }))
)
const cacheAlone = Layer.provide(CacheLive, alone)
const cacheStandingIn = Layer.provide(CacheLive, standingIn)

cacheContract("the cache on a ring", cacheAlone, { pass: pause })
clientContract("the client on a ring", alone)
clientContract("the client on a ring with `next`", standingIn)
lookupContract("the cache on a ring", cacheAlone)
structureContract("the cache on a ring", cacheAlone)
pipelineContract("the cache on a ring", cacheAlone)
pipelineContract("the cache on a ring with `next`", cacheStandingIn)
streamContract("the cache on a ring with `next`", cacheStandingIn)
applicationContract("the cache on a ring with `next`", cacheStandingIn)
coordinationContract("the cache on a ring with `next`", cacheStandingIn)
sessionContract("the cache on a ring with `next`", cacheStandingIn)
invalidationContract("the client on a ring", alone)
nearContract("the cache on a ring with `next`", withElsewhere(standingIn), { pass: passBoth })
invalidationContract("the client on a ring with `next`", standingIn)
tagContract("the cache on a ring", withElsewhere(alone))
tagContract("the cache on a ring with `next`", withElsewhere(standingIn))
