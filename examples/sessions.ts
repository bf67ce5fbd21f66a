/** Sessions as hashes: a field is read or written without the others, and the whole is gone when nobody comes back. `npm run example examples/sessions.ts` */
import { Duration, Effect, Option } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const lifetime = "30 minutes"

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "sessions" })
  yield* cache.clear

  // All sessions of one user are in one slot of a cluster, so that they can be changed in one step.
  const keyOf = (user: string, session: string) => `{${user}}:session:${session}`
  const sessionsOf = (user: string) => cache.unorderedSet(`{${user}}:sessions`)

  const begin = (user: string, session: string, device: string) =>
    cache.transaction((queue) => [
      queue.hash(keyOf(user, session)).setMany({ user, device, cart: [], visits: 0 }),
      queue.expire(keyOf(user, session), lifetime),
      queue.unorderedSet(`{${user}}:sessions`).add(session)
    ])

  const visit = (user: string, session: string) =>
    cache.transaction((queue) => ({
      visits: queue.hash(keyOf(user, session)).incr("visits"),
      device: queue.hash(keyOf(user, session)).get("device"),
      alive: queue.expire(keyOf(user, session), lifetime)
    }))

  yield* begin("ada", "s1", "phone")
  yield* begin("ada", "s2", "laptop")
  yield* cache.hash(keyOf("ada", "s1")).set("cart", ["tea", "milk"])
  yield* visit("ada", "s1")
  const { device, visits } = yield* visit("ada", "s1")
  console.log("visit", visits, "by", Option.getOrNull(device))
  console.log("cart", Option.getOrNull(yield* cache.hash(keyOf("ada", "s1")).get("cart")))
  const ttl = Option.getOrThrow(yield* cache.ttl(keyOf("ada", "s1")))
  console.log("minutes left", Math.round(Duration.toMinutes(ttl)))

  // Signed out everywhere.
  const all = (yield* sessionsOf("ada").members).map(String).toSorted()
  const ended = yield* cache.deleteMany(all.map((session) => keyOf("ada", session)))
  yield* cache.delete("{ada}:sessions")
  console.log("ended", all.join(", "), "=", ended)
  console.log("left", yield* cache.keys())
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// visit 2 by phone
// cart [ 'tea', 'milk' ]
// minutes left 30
// ended s1, s2 = 2
// left []
