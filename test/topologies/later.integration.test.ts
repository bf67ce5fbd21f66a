/** What only a Valkey 9 has. */
import { Effect, Layer } from "effect"
import { CacheLive, ValkeyStandalone } from "effect-vcache"
import { fieldLifetimeContract } from "../contracts/fieldLifetimeContract.ts"
import { startServerWith } from "../support/ValkeyServer.ts"

const server = Layer.unwrap(Effect.map(startServerWith({ later: true }), ({ url }) => ValkeyStandalone.layer({ url })))

fieldLifetimeContract("the cache on a Valkey 9", Layer.provide(CacheLive, server))
