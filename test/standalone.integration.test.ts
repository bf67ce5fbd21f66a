import { Effect, Layer } from "effect"
import { CacheLive, ValkeyStandalone } from "effect-vcache"
import { cacheContract } from "./contracts/cacheContract.ts"
import { clientContract } from "./contracts/clientContract.ts"
import { startServer } from "./support/ValkeyServer.ts"

const client = Layer.unwrap(Effect.map(startServer(), ({ url }) => ValkeyStandalone.layer({ url })))

cacheContract("the cache on one server", Layer.provide(CacheLive, client), {
  pass: (millis) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))
})
clientContract("the client on one server", client)
