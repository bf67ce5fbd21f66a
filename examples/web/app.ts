/** A small API over what is installed here, with sessions, cached responses, a region, health and metrics. */
import { createHash } from "node:crypto"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, Metric, Option, Redacted, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { CacheRegion, CacheService, Health } from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import { HttpCache, HttpSessions } from "effect-vcache/http"
import { Package, packageNames, readPackage } from "../demo/packages.ts"
import { page } from "./page.ts"

const folder = join(import.meta.dirname, "../../node_modules")

/** How often the disk was read: what the cache saves. */
const reads = Metric.counter("example_packages_read")

const read = (name: string) =>
  Effect.tap(Effect.provide(readPackage(folder, name), NodeServices.layer), () => Metric.update(reads, 1)).pipe(
    Effect.orDie
  )

/** Packages by name; a stale one is served while it is read anew. */
class Packages extends CacheRegion.Service<Packages>()("example/Packages", {
  key: Schema.String,
  value: Package,
  timeToLive: "10 seconds",
  staleFor: "1 hour",
  lookup: read
}) {}

/** For a real application this is a secret of its own. */
const secret = Redacted.make(createHash("sha256").update("example").digest("hex"))

class Visit extends HttpSessions.Service<Visit>()("example/Visit", {
  data: Schema.Struct({ visits: Schema.Int }),
  secrets: [secret],
  // The example is served over http.
  cookie: { secure: false }
}) {}

const pages = HttpCache.make({ staleFor: "1 hour" })

const names = Effect.orDie(Effect.provide(packageNames(folder), NodeServices.layer))

const json = (value: unknown, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe(value, { headers })

const withName = (answer: (name: string) => Effect.Effect<HttpServerResponse.HttpServerResponse>) =>
  Effect.gen(function* () {
    const { name = "" } = yield* HttpRouter.params
    const known = yield* names
    return known.includes(name) ? yield* answer(name) : HttpServerResponse.empty({ status: 404 })
  })

/** Nothing of these is cached: what the load command compares with. */
const direct = HttpRouter.addAll([
  HttpRouter.route(
    "GET",
    "/direct/packages",
    Effect.map(names, (all) => json(all))
  ),
  HttpRouter.route(
    "GET",
    "/direct/packages/:name",
    withName((name) => Effect.map(read(name), (found) => json(found)))
  )
])

/** Here; browsers ask again each time. */
const forFiveSeconds = "public, s-maxage=5, max-age=0"

/** The same, with responses that are cached, over values that are. */
const cached = HttpRouter.addAll(
  Effect.map(Packages, (packages) => [
    HttpRouter.route(
      "GET",
      "/api/packages",
      Effect.map(names, (all) => json(all, { "cache-control": forFiveSeconds }))
    ),
    HttpRouter.route(
      "GET",
      "/api/packages/:name",
      withName((name) =>
        Effect.map(Effect.orDie(packages.get(name)), (found) => json(found, { "cache-control": forFiveSeconds }))
      )
    )
  ])
).pipe(Layer.provide(pages.layer), Layer.provide(Packages.layer))

const visits = HttpRouter.addAll([
  HttpRouter.route(
    "POST",
    "/api/visits",
    Effect.gen(function* () {
      const visit = yield* Visit
      const found = yield* visit.get
      const visits = 1 + Option.match(found, { onNone: () => 0, onSome: (data) => data.visits })
      // The answer is worth more than the count: while the cache is away, or the session has ended, it is not kept.
      yield* Effect.ignore(visit.set({ visits }))
      return json({ visits })
    }).pipe(Effect.orDie)
  )
]).pipe(Layer.provide(Visit.layer))

const operations = HttpRouter.addAll(
  Effect.map(CacheService, (cache) => [
    HttpRouter.route(
      "GET",
      "/health",
      Effect.orDie(Effect.flatMap(cache.health, HttpServerResponse.schemaJson(Health)))
    ),
    HttpRouter.route(
      "GET",
      "/metrics",
      Effect.map(PrometheusMetrics.format(), (text) => HttpServerResponse.text(text))
    ),
    HttpRouter.route("GET", "/", Effect.succeed(HttpServerResponse.html(page)))
  ])
)

/** For direct visitors from this machine: http://localhost:3000/cache. What visitors have in their sessions is not shown. */
const admin = Admin.layer({ path: "/cache", caches: [CacheService], hide: (key) => key.startsWith("session:") })

/** Needs a cache, wherever it is. */
export const app = Layer.mergeAll(direct, cached, visits, operations, admin)
