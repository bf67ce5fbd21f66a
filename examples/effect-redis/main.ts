/**
 * Effect's own `RateLimiter` and `PersistedQueue`, which need a Redis, on a client of this library: with its deadlines, and on each
 * topology. `npm run example examples/effect-redis/main.ts`; it starts the server itself.
 */
import { Effect, Layer, Schema } from "effect"
import { PersistedQueue, RateLimiter } from "effect/persistence"
import { ValkeyUrl } from "effect-vcache"
import { EffectRedis } from "effect-vcache/effect"
import { LocalValkey } from "effect-vcache/testing"

const Mail = Schema.Struct({ to: Schema.String })

const limits = Effect.gen(function* () {
  const limiter = yield* RateLimiter.RateLimiter
  const ask = limiter.consume({ key: "ada", limit: 2, window: "1 minute", onExceeded: "fail" })
  for (let i = 1; i <= 3; i++) {
    const answer = yield* Effect.match(ask, { onFailure: () => "refused", onSuccess: () => "allowed" })
    console.log(`request ${i}: ${answer}`)
  }
})

const mails = Effect.gen(function* () {
  const queue = yield* PersistedQueue.make({ name: "mails", schema: Mail })
  yield* queue.offer({ to: "grace" })
  // A mail whose sending failed is given again, to this worker or another.
  let attempts = 0
  const send = queue.take(({ to }) =>
    Effect.suspend(() => (++attempts === 1 ? Effect.fail("no route") : Effect.succeed(`to ${to}`)))
  )
  console.log("first attempt:", yield* Effect.flip(send))
  console.log("second attempt:", yield* send)
})

// The hash tags keep the keys of a store in one slot of a cluster.
const stores = Layer.mergeAll(
  Layer.provide(RateLimiter.layer, RateLimiter.layerStoreRedis({ prefix: "{limits}:" })),
  Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreRedis({ prefix: "{queues}:" }))
)

const program = Effect.flatMap(LocalValkey.start, (url) =>
  Effect.andThen(limits, mails).pipe(
    Effect.provide(stores.pipe(Layer.provide(EffectRedis.layer()), Layer.provide(ValkeyUrl.layer(url))))
  )
)
await Effect.runPromise(Effect.scoped(program))

// Prints:
// request 1: allowed
// request 2: allowed
// request 3: refused
// first attempt: no route
// second attempt: to grace
