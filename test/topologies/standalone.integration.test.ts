import { Effect, Layer } from "effect"
import { CacheLive, ValkeyStandalone } from "effect-vcache"
import { cacheContract } from "../contracts/cacheContract.ts"
import { clientContract } from "../contracts/clientContract.ts"
import { lookupContract } from "../contracts/lookupContract.ts"
import { applicationContract } from "../contracts/applicationContract.ts"
import { coordinationContract } from "../contracts/coordinationContract.ts"
import { invalidationContract } from "../contracts/invalidationContract.ts"
import { nearContract } from "../contracts/nearContract.ts"
import { pipelineContract } from "../contracts/pipelineContract.ts"
import { sessionContract } from "../contracts/sessionContract.ts"
import { streamContract } from "../contracts/streamContract.ts"
import { structureContract } from "../contracts/structureContract.ts"
import { tagContract } from "../contracts/tagContract.ts"
import { withElsewhere } from "../support/near/elsewhere.ts"
import { patient } from "../support/faults.ts"
import { makeCertificates, tlsArguments } from "../support/certificates.ts"
import { passBoth, pause } from "../support/pause.ts"
import { freePort } from "../support/freePort.ts"
import { startServer } from "../support/ValkeyServer.ts"

const overTcp = Layer.unwrap(Effect.map(startServer(), ({ url }) => ValkeyStandalone.layer({ ...patient, url })))

const overSocket = Layer.unwrap(
  Effect.map(startServer(), ({ socket }) => ValkeyStandalone.layer({ ...patient, url: `unix://${socket}?db=3` }))
)

const overTls = Layer.unwrap(
  Effect.gen(function* () {
    const certificates = yield* makeCertificates
    const port = yield* Effect.promise(freePort)
    yield* startServer(...tlsArguments(certificates, certificates.server, port, "yes"))
    const { cert, key } = certificates.client
    return ValkeyStandalone.layer({
      ...patient,
      url: `valkeys://localhost:${port}`,
      tls: { ca: certificates.ca, cert, key }
    })
  })
)

for (const [way, client] of [
  ["TCP", overTcp],
  ["a unix socket", overSocket],
  ["TLS", overTls]
] as const) {
  cacheContract(`the cache on one server over ${way}`, Layer.provide(CacheLive, client), { pass: pause })
  clientContract(`the client on one server over ${way}`, client)
}

invalidationContract("the client on one server", overTcp)
const pair = Layer.unwrap(
  Effect.map(startServer(), ({ url }) => withElsewhere(ValkeyStandalone.layer({ ...patient, url })))
)
nearContract("the cache on one server", pair, { pass: passBoth })
tagContract("the cache on one server", pair)
lookupContract("the cache on one server", Layer.provide(CacheLive, overTcp))
structureContract("the cache on one server", Layer.provide(CacheLive, overTcp))
pipelineContract("the cache on one server", Layer.provide(CacheLive, overTcp))
streamContract("the cache on one server", Layer.provide(CacheLive, overTcp))
applicationContract("the cache on one server", Layer.provide(CacheLive, overTcp))
coordinationContract("the cache on one server", Layer.provide(CacheLive, overTcp))
sessionContract("the cache on one server", Layer.provide(CacheLive, overTcp))
