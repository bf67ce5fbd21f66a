/** Prefixes keep applications apart, versions generations of their data. `npm run example examples/namespaces-and-versions.ts` */
import { Effect, Option } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.clearAllVersions

  yield* cache.set("price", 100)
  console.log("key on the server:", cache.makeKey("price"))

  // The new release reads and writes version 2: nothing of the old one is seen, nothing is overwritten.
  const next = cache.withOptions({ version: 2 })
  console.log("version 2:", Option.isSome(yield* next.get("price")))

  // One entry moves over, atomically and with its lifetime.
  console.log("moved to version", yield* cache.incrVersion("price"))
  console.log(
    "version 1:",
    Option.isSome(yield* cache.get("price")),
    "version 2:",
    Option.isSome(yield* next.get("price"))
  )

  // Another namespace on the same connection.
  const other = cache.withOptions({ prefix: "other-app" })
  yield* other.set("price", 1)
  console.log("cleared here:", yield* cache.clearAllVersions, "cleared there:", yield* other.clear)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig.layer({ prefix: "shop" })))

// Prints:
// key on the server: shop:1:price
// version 2: false
// moved to version 2
// version 1: false version 2: true
// cleared here: 1 cleared there: 1
