/** From plain Promise code: one runtime for the application. `npm run example examples/promises.ts` */
import { ManagedRuntime, Option, Schema } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const runtime = ManagedRuntime.make(CacheFromConfig)
const cache = await runtime.runPromise(CacheService)
const scores = cache.withSchema(Schema.Finite)

const score = async (player: string): Promise<number | undefined> =>
  Option.getOrUndefined(await runtime.runPromise(scores.get(player)))

await runtime.runPromise(scores.set("ada", 12.5, { timeToLive: "1 minute" }))
console.log(await score("ada"), await score("bob"))

try {
  await runtime.runPromise(scores.set("eve", Number.NaN))
} catch (error) {
  console.log(error instanceof Error ? error.message : error)
}

// Closes the connection, within its closeTimeout.
await runtime.dispose()

// Prints:
// 12.5 undefined
// set: cannot encode the value of "eve": Expected a finite number
