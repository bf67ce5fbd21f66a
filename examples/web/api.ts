/** The shop as an API: cached responses, sessions, health and metrics. */
import { createHash } from "node:crypto"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { CacheService, Health } from "effect-vcache"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import { Database } from "./database.ts"
import { Product, products } from "./products.ts"
import { Shop } from "./shop.ts"

const Id = Schema.Struct({
  id: Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: products.length - 1 }))
})

const json = HttpServerResponse.schemaJson(Product)

/** Straight from the database: what the load command compares with. */
const direct = HttpRouter.add(
  "GET",
  "/direct/products/:id",
  Effect.gen(function* () {
    const { id } = yield* HttpRouter.schemaPathParams(Id)
    return yield* json(yield* (yield* Database).product(id))
  })
)

/** Responses that are cached, over values that are. Browsers ask again each time. */
const cached = HttpRouter.add(
  "GET",
  "/api/products/:id",
  Effect.gen(function* () {
    const { id } = yield* HttpRouter.schemaPathParams(Id)
    const { value } = yield* (yield* Shop).product(id)
    return yield* json(value, { headers: { "cache-control": "public, s-maxage=5, max-age=0" } })
  })
).pipe(Layer.provide(HttpCache.make({ staleFor: "1 hour" }).layer))

/** For a real application this is a secret of its own. */
const secret = Redacted.make(createHash("sha256").update("example").digest("hex"))

class Visit extends HttpSessions.Service<Visit>()("example/Visit", {
  data: Schema.Struct({ visits: Schema.Int }),
  secrets: [secret],
  // The example is served over http.
  cookie: { secure: false }
}) {}

const visits = HttpRouter.add(
  "POST",
  "/api/visits",
  Effect.gen(function* () {
    const visit = yield* Visit
    const visits = 1 + Option.match(yield* visit.get, { onNone: () => 0, onSome: ({ visits }) => visits })
    // The answer is worth more than the count: while the cache is away, or the session has ended, it is not kept.
    yield* Effect.ignore(visit.set({ visits }))
    return yield* HttpServerResponse.json({ visits })
  })
).pipe(Layer.provide(Visit.layer))

const health = HttpRouter.add(
  "GET",
  "/health",
  CacheService.use(({ health }) => Effect.flatMap(health, HttpServerResponse.schemaJson(Health)))
)

const metrics = HttpRouter.add(
  "GET",
  "/metrics",
  Effect.map(PrometheusMetrics.format(), (text) => HttpServerResponse.text(text))
)

export const api = Layer.mergeAll(direct, cached, visits, health, metrics)
