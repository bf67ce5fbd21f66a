/** Two caches in one program, on one connection. `npm run example examples/named-caches.ts` */
import { Context, Effect, Layer } from "effect"
import { layerFor, type TypedCache, ValkeyUrl } from "effect-vcache"

class Pages extends Context.Service<Pages, TypedCache<unknown>>()("app/Pages") {}
class Sessions extends Context.Service<Sessions, TypedCache<unknown>>()("app/Sessions") {}

const Caches = Layer.mergeAll(
  layerFor(Pages, { prefix: "pages", timeToLive: "1 minute", jitter: 0.1 }),
  layerFor(Sessions, { prefix: "sessions", timeToLive: "14 days" })
).pipe(Layer.provide(ValkeyUrl.layerConfig()))

const program = Effect.gen(function* () {
  const pages = yield* Pages
  const sessions = yield* Sessions

  yield* pages.set("home", "<html>")
  yield* sessions.set("s1", { user: 1 })

  console.log(pages.makeKey("home"), sessions.makeKey("s1"))
  console.log("pages cleared:", yield* pages.clear)
  console.log("session still there:", yield* sessions.has("s1"))
  yield* sessions.clear
})

await Effect.runPromise(Effect.provide(program, Caches))

// Prints:
// pages:1:home sessions:1:s1
// pages cleared: 1
// session still there: true
