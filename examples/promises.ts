/** From plain Promise code: the same cache, whose operations return Promises. `npm run example examples/promises.ts` */
import { Schema } from "effect"
import { CacheFromConfig, CacheService, isCacheError, makeClient } from "effect-vcache"

const cache = makeClient(CacheFromConfig.layer({ prefix: "promises" }))
const scores = cache.withSchema(Schema.Finite)

await cache.clear()
await scores.set("ada", 12.5, { timeToLive: "1 minute" })
console.log(await scores.get("ada"), await scores.get("bob"))

// Callers who come together share one lookup.
const lookUp = async () => {
  console.log("asking the database")
  return 7
}
console.log(await Promise.all([scores.getOrSet("eve", lookUp), scores.getOrSet("eve", lookUp)]))

try {
  await scores.set("dan", Number.NaN)
} catch (error) {
  // Errors are classes with a tag. What a lookup throws comes as it was thrown.
  if (isCacheError(error)) console.log(error._tag, "-", error.message)
}

// Everything that a cache can do, where Promises have no method for it.
console.log(await cache.run(CacheService.use((cache) => cache.hash("votes").incr("tea"))))

// Closes the connection, within its closeTimeout. `await using` does it at the end of a block.
await cache.clear()
await cache.close()

// Prints:
// 12.5 undefined
// asking the database
// [ 7, 7 ]
// CacheCodecError - set: cannot encode the value of "dan": Expected a finite number
// 1
