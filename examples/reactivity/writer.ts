/** The process that changes prices: each line that it reads is the next price of tea. */
import { createInterface } from "node:readline"
import { Effect, Layer, Stream } from "effect"
import { CacheFromConfig } from "effect-vcache"
import { Prices } from "./prices.ts"

const lines = Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (cause) => cause)

const program = Effect.gen(function* () {
  const prices = yield* Prices
  yield* Stream.runForEach(lines, (line) => {
    const price = Number(line)
    return Number.isSafeInteger(price) ? prices.set("tea", price) : prices.invalidate("tea")
  })
})

await Effect.runPromise(Effect.provide(program, Prices.layer.pipe(Layer.provide(CacheFromConfig))))
