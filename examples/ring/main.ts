/**
 * Three servers that know nothing of each other, each with a third of the keys. One of them freezes: others stand in for it,
 * and when it is back, nothing is read that is older than what was written meanwhile.
 * `npm run example examples/ring/main.ts`; it starts the servers itself.
 */
import { Effect, Layer, Option, Schedule } from "effect"
import { CacheLive, CacheService, ValkeyRing } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"

const users = Array.from({ length: 300 }, (_, i) => `user:${i}`)

const scenario = Effect.fnUntraced(function* (servers: ReadonlyArray<LocalValkey.LocalServer>) {
  const cache = yield* CacheService
  const nodeOf = (user: string) => cache.client.serverOf?.(cache.makeKey(user)).node
  const read = (user: string) =>
    Effect.map(
      cache.get(user),
      Option.getOrElse(() => "nothing")
    )

  yield* cache.setMany(users.map((user) => [user, "before"] as const))
  const shares = [...Map.groupBy(users, nodeOf).values()]
  console.log("shares of more than 50 users:", shares.filter((share) => share.length > 50).length)

  const server = servers.find(({ url }) => url.endsWith(String(nodeOf("user:1"))))!
  const [changed = "", untouched = ""] = users.filter((user) => nodeOf(user) === nodeOf("user:1"))
  yield* server.freeze
  yield* cache.set(changed, "meanwhile")
  console.log("while it is frozen:", yield* read(changed), "and", yield* read(untouched))
  const error = yield* Effect.flip(cache.lock(changed).withLock(Effect.void))
  console.log("its locks do not move:", error._tag)

  yield* server.thaw
  yield* Effect.repeat(read(untouched), {
    schedule: Schedule.spaced("20 millis"),
    until: (value) => value === "before"
  })
  console.log("when it is back:", yield* read(changed), "and", yield* read(untouched))
})

const program = Effect.gen(function* () {
  const servers = yield* Effect.all([LocalValkey.make, LocalValkey.make, LocalValkey.make])
  const ring = ValkeyRing.layer({
    urls: servers.map(({ url }) => url),
    whenDown: "next",
    probeInterval: "200 millis",
    commandTimeout: "1 second"
  })
  yield* Effect.provide(scenario(servers), Layer.provide(CacheLive, ring))
})

await Effect.runPromise(Effect.scoped(program))

// Prints:
// shares of more than 50 users: 3
// while it is frozen: meanwhile and nothing
// its locks do not move: CacheTimeoutError
// when it is back: nothing and before
