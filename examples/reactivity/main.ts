/**
 * Effect's reactivity across processes: another process writes, and a query here runs again.
 * `npm run example examples/reactivity/main.ts`; it starts a Valkey of its own.
 */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { Effect, Layer, Option, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { CacheService, ValkeyStandalone } from "effect-vcache"
import { CacheReactivity } from "effect-vcache/effect"
import { LocalValkey } from "effect-vcache/testing"
import { Prices } from "./prices.ts"

const program = Effect.gen(function* () {
  const url = yield* LocalValkey.start
  const client = ValkeyStandalone.layer({ url })
  const cache = CacheService.layer().pipe(Layer.provide(client))
  const reactivity = CacheReactivity.layer().pipe(Layer.provideMerge(Layer.merge(cache, Reactivity.layer)))

  yield* Effect.gen(function* () {
    const prices = yield* Prices
    const key = yield* prices.cacheKey("tea")
    // Runs now, and whenever the key changes: here, in another process, by hand, by its expiry.
    const price = prices.getCached("tea").pipe(Reactivity.stream(CacheReactivity.keys(key)))

    // The other process sets the prices that it is told, and forgets the last one.
    const writer = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--conditions=effect-vcache-source", join(import.meta.dirname, "writer.ts")], {
          env: { ...process.env, VALKEY_URL: url },
          stdio: ["pipe", "inherit", "inherit"]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )

    const orders = ["3", "4", "nothing"]
    yield* price.pipe(
      Stream.map((price) => Option.getOrElse(price, () => "unknown")),
      Stream.changes,
      Stream.take(4),
      Stream.runForEach((price) =>
        Effect.sync(() => {
          console.log("the price of tea is", price)
          const next = orders.shift()
          if (next !== undefined) writer.stdin?.write(`${next}\n`)
        })
      )
    )
  }).pipe(Effect.provide(Prices.layer.pipe(Layer.provideMerge(reactivity))))
})

await Effect.runPromise(Effect.scoped(program))

// Prints:
// the price of tea is unknown
// the price of tea is 3
// the price of tea is 4
// the price of tea is unknown
