/** The admin pages as an application serves them, over a cache in which there is something of everything. */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { Deferred, Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import {
  CacheLive,
  CacheService,
  Cipher,
  Metrics,
  Serializer,
  SessionStore,
  type TypedCache,
  ValkeyUrl
} from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import { addressOf, authorize } from "./adminPages.ts"

export interface AdminPlace {
  readonly at: string
  readonly cache: TypedCache<unknown>
  /** The address of a key's page. */
  readonly key: (key: string) => string
}

/** A lock and permits are held as long as the scope lasts. */
const fill = Effect.gen(function* () {
  const cache = yield* CacheService
  for (const [id, name] of ["Ada", "Grace", "Edsger", "Barbara"].entries()) {
    yield* cache.set(`user:${id}`, { name, born: 1906 + 7 * id }, { tags: ["users", `user:${id}`] })
  }
  yield* cache.getOrSet("page:home", Effect.succeed("<h1>Home</h1>"), { timeToLive: "5 minutes", staleFor: "1 hour" })
  yield* cache.withOptions({ serializer: Serializer.msgpack }).set("when", { at: new Date(0) })
  yield* cache
    .withOptions({ cipher: Cipher.aes256gcm([Redacted.make(new Uint8Array(32))]) })
    .set("secret", "of somebody")
  yield* cache.set(`<script>alert(1)</script>/%:🎉${"x".repeat(4000)}`, "odd")
  yield* cache.list("jobs").pushRight("first", "second", "third")
  yield* cache.hash("prices").setMany({ tea: 2.5, "<b>": 1 })
  yield* cache.unorderedSet("colours").add("red", "green")
  yield* cache.sortedSet("ranking").add([
    ["Ada", 10],
    ["Grace", 12.5]
  ])
  yield* cache.stream("events").add({ kind: "order", n: 1 })
  yield* cache.stream("events").add({ kind: "order", n: 2 })
  const events = cache.makeKey("events")
  yield* cache.client.send("XGROUP", ["CREATE", events, "mailers", "0"])
  yield* cache.client.send("XREADGROUP", ["GROUP", "mailers", "ann", "COUNT", 1, "STREAMS", events, ">"])
  const sessions = yield* SessionStore.make({ data: Schema.Struct({ user: Schema.Int }) })
  yield* sessions.create({ user: 1 })
  yield* cache.lock("report", { label: "web-2" }).acquire
  yield* cache.semaphore("mail", { permits: 3 }).acquire(2)
  return cache
})

/** Until the scope closes. Who visits is said by the header `authorization`. */
export const startAdmin = (url: string) =>
  Effect.gen(function* () {
    const ready = yield* Deferred.make<AdminPlace>()
    const filled = Layer.effectDiscard(
      Effect.gen(function* () {
        const cache = yield* fill
        const at = yield* HttpServer.addressFormattedWith(Effect.succeed)
        yield* Deferred.succeed(ready, {
          at,
          cache,
          key: (key) => at + addressOf(key)
        })
      })
    )
    yield* Layer.build(
      Layer.merge(
        HttpRouter.serve(Admin.layer({ caches: [CacheService], authorize }), {
          disableListenLog: true,
          disableLogger: true
        }),
        filled
      ).pipe(
        Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
        Layer.provide(CacheLive.layer({ prefix: "shop", policies: [Metrics.policy()] })),
        Layer.provide(ValkeyUrl.layer(url))
      )
    )
    return yield* Deferred.await(ready)
  })
