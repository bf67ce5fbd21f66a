/** Endpoints of an HttpApi that say by an annotation how long their responses are cached. `npm run example examples/http-api.ts` */
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiClient,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema
} from "effect/http-api"
import { CacheFromConfig } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"

/** For how many seconds the responses of an endpoint are cached, and what they are made from. */
class Cached extends Context.Service<Cached, { readonly maxAge: number; readonly tags: ReadonlyArray<string> }>()(
  "example/Cached"
) {}

/** Says of each response what the annotation of its endpoint says. */
class Caching extends HttpApiMiddleware.Service<Caching>()("example/Caching") {
  static readonly layer = Layer.succeed(Caching, (response, { endpoint }) => {
    const cached = Context.getOrUndefined(endpoint.annotations, Cached)
    if (cached === undefined) return response
    const headers = { "cache-control": `public, max-age=${cached.maxAge}`, "cache-tag": cached.tags.join(", ") }
    return Effect.map(response, HttpServerResponse.setHeaders(headers))
  })
}

const Product = Schema.Struct({ id: Schema.String, price: Schema.Finite })

const Api = HttpApi.make("shop").add(
  HttpApiGroup.make("products")
    .add(
      HttpApiEndpoint.get("all", "/products", { success: Schema.Array(Product) }).annotate(Cached, {
        maxAge: 3600,
        tags: ["products"]
      }),
      HttpApiEndpoint.get("count", "/count", { success: Schema.Finite }),
      HttpApiEndpoint.put("change", "/products/:id", {
        params: { id: Schema.String },
        payload: Schema.Struct({ price: Schema.Finite }),
        success: HttpApiSchema.NoContent
      })
    )
    .middleware(Caching)
)

class Site extends HttpCache.Service<Site>()("example/Site", { prefix: "example-http-api:", tags: true }) {}

const prices = new Map([["tea", 9]])
let queries = 0

const Products = HttpApiBuilder.group(
  Api,
  "products",
  Effect.fnUntraced(function* (handlers) {
    const site = yield* Site
    return handlers
      .handle("all", () =>
        Effect.sync(() => {
          queries++
          return [...prices].map(([id, price]) => ({ id, price }))
        })
      )
      .handle("count", () => Effect.sync(() => prices.size))
      .handle("change", ({ params, payload }) =>
        Effect.suspend(() => {
          prices.set(params.id, payload.price)
          return Effect.orDie(site.invalidateTags(["products"]))
        })
      )
  })
)

const SiteLive = Site.layer.pipe(Layer.provide(CacheFromConfig))

const { dispose, handler } = HttpRouter.toWebHandler(
  HttpApiBuilder.layer(Api).pipe(
    Layer.provide(Products),
    Layer.provide(Caching.layer),
    Layer.provide(Site.routes),
    Layer.provide(SiteLive),
    Layer.provide(HttpServer.layerServices)
  ),
  { disableLogger: true }
)

/** A response goes out before it is stored. This asks for it until it is there, and never asks the endpoint. */
const stored = Effect.repeat(
  Effect.promise(() =>
    handler(new Request("http://shop.example/products", { headers: { "cache-control": "only-if-cached" } }))
  ),
  { schedule: Schedule.spaced("10 millis"), until: ({ status }) => status === 200 }
)

const program = Effect.gen(function* () {
  const { products } = yield* HttpApiClient.make(Api, {
    transformClient: HttpClient.mapRequest(HttpClientRequest.prependUrl("http://shop.example"))
  })
  const show = (what: string) =>
    Effect.map(products.all(), ([tea]) => console.log(what.padEnd(34), `tea costs ${tea?.price}, ${queries} queries`))

  yield* products.change({ params: { id: "tea" }, payload: { price: 9 } })
  yield* show("nothing is cached")
  yield* stored
  yield* show("it is cached")
  yield* Effect.all(
    Array.from({ length: 1000 }, () => products.all()),
    { concurrency: "unbounded" }
  )
  yield* show("a thousand requests later")
  yield* products.change({ params: { id: "tea" }, payload: { price: 12 } })
  yield* show("the price has changed")
})

// The client asks the handler itself, without a network between them.
const fetch = Layer.succeed(FetchHttpClient.Fetch, (input, init) => handler(new Request(input, init)))
await Effect.runPromise(Effect.provide(program, Layer.provide(FetchHttpClient.layer, fetch)))
await dispose()

// Prints:
// nothing is cached                  tea costs 9, 1 queries
// it is cached                       tea costs 9, 1 queries
// a thousand requests later          tea costs 9, 1 queries
// the price has changed              tea costs 12, 2 queries
