/** Keyv, and cache-manager over it, on a cache of this library. `npm run example examples/keyv.ts`; needs the packages `keyv` and `cache-manager`. */
import { createCache } from "cache-manager"
import { Keyv } from "keyv"
import { CacheFromConfig } from "effect-vcache"
import { KeyvStore } from "effect-vcache/keyv"

// Prefix, lifetime limits, compression and encryption are those of this cache; each Keyv needs a store of its own.
const users = new Keyv({ store: new KeyvStore(CacheFromConfig.layer({ prefix: "keyv" })), namespace: "users" })
users.on("error", (error) => console.log("the cache failed:", error))

await users.set("1", { name: "Ada" }, 60_000)
console.log("Keyv:", await users.get("1"), await users.has("2"))

const pages = createCache({ stores: [users] })
const render = async () => {
  console.log("rendering")
  return "<html>"
}
console.log("cache-manager:", await pages.wrap("home", render, 60_000), await pages.wrap("home", render, 60_000))

await users.clear()
await users.disconnect()

// Prints:
// Keyv: { name: 'Ada' } false
// rendering
// cache-manager: <html> <html>
