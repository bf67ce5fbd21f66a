/** Another process of the same program: it writes a price, and ends. It has no near cache; the server tells the processes that have one. */
import { Effect, Layer } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"

const [, , url = ""] = process.argv
const program = Effect.flatMap(CacheService, (cache) => cache.set("price", { amount: 10 }))
const live = Layer.provide(CacheLive.layer({ prefix: "shop" }), ValkeyUrl.layer(url))
await Effect.runPromise(Effect.provide(program, live))
