/** The process that changes prices. */
import { Effect, Layer } from "effect"
import { CacheFromConfig } from "effect-vcache"
import { Prices } from "./prices.ts"

const program = Effect.gen(function* () {
  const prices = yield* Prices
  yield* prices.set("tea", 3)
  yield* Effect.sleep("200 millis")
  yield* prices.set("tea", 4)
  yield* Effect.sleep("200 millis")
  yield* prices.invalidate("tea")
})

await Effect.runPromise(Effect.provide(program, Prices.layer.pipe(Layer.provide(CacheFromConfig))))
