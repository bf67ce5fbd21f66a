/** Remote procedures whose results are cached by their own schemas. `npm run example examples/rpc.ts` */
import { Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup, RpcTest } from "effect/rpc"
import { CacheFromConfig, CacheService, isCacheError } from "effect-vcache"

class Product extends Schema.Class<Product>("Product")({
  id: Schema.String,
  price: Schema.Finite,
  since: Schema.Date
}) {}
class NoSuchProduct extends Schema.TaggedError<NoSuchProduct>("NoSuchProduct")("NoSuchProduct", {
  id: Schema.String
}) {}

const Find = Rpc.make("Find", { payload: { id: Schema.String }, success: Product, error: NoSuchProduct })
const Change = Rpc.make("Change", { payload: { id: Schema.String, price: Schema.Finite } })
const Shop = RpcGroup.make(Find, Change)

const prices = new Map([["tea", 9]])
let queries = 0

const query = ({ id }: { readonly id: string }) =>
  Effect.suspend(() => {
    queries++
    const price = prices.get(id)
    if (price === undefined) return Effect.fail(new NoSuchProduct({ id }))
    return Effect.succeed(new Product({ id, price, since: new Date(0) }))
  })

const handlers = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "example-rpc" })
  // The payload of the procedure is the key, its result the value, its errors the failures.
  const find = yield* cache.memoize(
    {
      name: Find._tag,
      key: Find.payloadSchema,
      value: Find.successSchema,
      timeToLive: "1 hour",
      cacheFailures: { errors: Find.errorSchema, timeToLive: "1 minute" }
    },
    query
  )
  yield* find.clear
  return Shop.of({
    // A cache that fails is no failure of the procedure.
    Find: (payload) =>
      Effect.catch(find(payload), (error) => (isCacheError(error) ? query(payload) : Effect.fail(error))),
    Change: ({ id, price }) =>
      Effect.suspend(() => {
        prices.set(id, price)
        return Effect.orDie(find.invalidate({ id }))
      })
  })
})
const ShopLive = Shop.toLayer(handlers)

const program = Effect.gen(function* () {
  const client = yield* RpcTest.makeClient(Shop)
  const show = (what: string, id: string) =>
    Effect.map(Effect.result(client.Find({ id })), (result) => {
      const found = result._tag === "Success" ? `costs ${result.success.price}` : result.failure._tag
      console.log(what.padEnd(28), `${id} ${found}, ${queries} queries`)
    })

  yield* show("nothing is cached", "tea")
  yield* show("it is cached", "tea")
  yield* Effect.all(
    Array.from({ length: 1000 }, () => Effect.exit(client.Find({ id: "gold" }))),
    {
      concurrency: "unbounded"
    }
  )
  yield* show("a thousand calls for another", "gold")
  yield* client.Change({ id: "tea", price: 12 })
  yield* show("the price has changed", "tea")
  yield* client.Change({ id: "gold", price: 70 })
  yield* show("it is there now", "gold")
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, Layer.provide(ShopLive, CacheFromConfig))))

// Prints:
// nothing is cached            tea costs 9, 1 queries
// it is cached                 tea costs 9, 1 queries
// a thousand calls for another gold NoSuchProduct, 2 queries
// the price has changed        tea costs 12, 3 queries
// it is there now              gold costs 70, 4 queries
