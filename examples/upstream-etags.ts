/** An upstream API with ETags: what has not changed is not fetched again. `npm run example examples/upstream-etags.ts` */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Duration, Effect, Option, Schema } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { CacheFromConfig, CacheLookup, CacheService } from "effect-vcache"

/** The API of somebody else. */
const upstream = { price: 9, isDown: false, answered: Array.of<number>() }

const answer = ({ headers, url }: IncomingMessage, response: ServerResponse) => {
  const etag = `"${upstream.price}"`
  const end = (status: number, body = "") => {
    upstream.answered.push(status)
    response.writeHead(status, { etag, "cache-control": "max-age=60" }).end(body)
  }
  if (upstream.isDown) end(503)
  else if (url !== "/tea") end(404)
  else if (headers["if-none-match"] === etag) end(304)
  else end(200, JSON.stringify({ price: upstream.price }))
}

const baseUrl = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer(answer)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" ? address?.port : undefined
      const close = () => void server.close().closeAllConnections()
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

/** What is stored of a product: what the API said of it, and by which tag it knows that. */
const Product = Schema.Struct({ price: Schema.Finite, etag: Schema.String })
const Body = Schema.fromJsonString(Schema.Struct({ price: Schema.Finite }))

class NoSuchProduct extends Schema.TaggedError<NoSuchProduct>("NoSuchProduct")("NoSuchProduct", {
  name: Schema.String
}) {}
class Unavailable extends Schema.TaggedError<Unavailable>("Unavailable")("Unavailable", { status: Schema.Int }) {}

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "example-upstream" })
  const { url } = yield* baseUrl

  const product = yield* cache.memoize(
    {
      name: "product",
      key: Schema.String,
      value: Product,
      // The API says how long a product is fresh. It is kept longer, to be asked for by its tag.
      keepFor: "1 day",
      staleFor: "1 hour",
      // With the old value at hand nobody waits longer than this.
      softTimeout: "5 seconds",
      errorBackoff: 0,
      cacheFailures: { errors: NoSuchProduct, timeToLive: "1 minute" }
    },
    Effect.fnUntraced(function* (name, stale) {
      const headers = Option.match(stale, {
        onNone: () => ({}),
        onSome: ({ value }) => ({ "if-none-match": value.etag })
      })
      const response = yield* Effect.orDie(HttpClient.get(`${url}/${name}`, { headers }))
      const seconds = Number(/max-age=(\d+)/.exec(response.headers["cache-control"] ?? "")?.[1] ?? 0)
      const timeToLive = Duration.seconds(seconds)
      if (response.status === 304 && Option.isSome(stale)) return stale.value.unchanged({ timeToLive })
      if (response.status === 404) return yield* new NoSuchProduct({ name })
      if (response.status !== 200) return yield* new Unavailable({ status: response.status })
      const { price } = yield* Effect.orDie(Effect.flatMap(response.text, Schema.decodeEffect(Body)))
      return CacheLookup.stored({ price, etag: response.headers["etag"] ?? "" }, { timeToLive })
    })
  )

  const show = (what: string) =>
    Effect.map(Effect.result(product("tea")), (result) => {
      console.log(
        what.padEnd(28),
        result._tag === "Success" ? result.success.price : result.failure._tag,
        upstream.answered
      )
    })

  yield* product.clear
  yield* show("nothing is cached")
  yield* show("it is fresh")
  yield* product.invalidate("tea", { mode: "stale" })
  yield* show("it may have changed")
  upstream.price = 12
  yield* product.invalidate("tea", { mode: "stale" })
  yield* show("it has changed")
  upstream.isDown = true
  yield* product.invalidate("tea", { mode: "stale" })
  yield* show("the API is down")
  upstream.isDown = false

  upstream.answered.length = 0
  for (let i = 0; i < 20; i++) yield* Effect.flip(product("gold"))
  console.log("20 calls for what is not there", upstream.answered)
  yield* product.clear
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, [CacheFromConfig, FetchHttpClient.layer])))

// Prints:
// nothing is cached            9 [ 200 ]
// it is fresh                  9 [ 200 ]
// it may have changed          9 [ 200, 304 ]
// it has changed               12 [ 200, 304, 200 ]
// the API is down              12 [ 200, 304, 200, 503 ]
// 20 calls for what is not there [ 404 ]
