/** One of the processes that ask. */
import { Effect } from "effect"
import { CacheFromConfig } from "effect-vcache"
import { ask } from "./limiter.ts"

const program = Effect.gen(function* () {
  const answers = yield* Effect.forEach(Array.from({ length: 100 }), () => ask("ada", 100, 60_000), {
    concurrency: 10
  })
  console.log(answers.filter((wait) => wait === 0).length)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))
