/** All that the example serves: the page with its events and buttons, the shop as an API, and the admin pages. */
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse, HttpStaticServer } from "effect/http"
import { CacheService } from "effect-vcache"
import { Admin } from "effect-vcache/admin"
import { api } from "./api.ts"
import { controls } from "./controls.ts"
import { Database } from "./database.ts"
import { events } from "./events.ts"
import { Looks } from "./looks.ts"
import { Shop } from "./shop.ts"
import { Visitors } from "./visitors.ts"

/** Nothing is loaded from elsewhere, and nothing runs that is not in a file of the page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'"
].join("; ")

const page = HttpStaticServer.layer({ root: join(import.meta.dirname, "page"), cacheControl: "no-cache" }).pipe(
  Layer.provide(
    HttpRouter.middleware((answer) =>
      Effect.map(answer, HttpServerResponse.setHeaders({ "content-security-policy": policy }))
    ).layer
  )
)

/** For direct visitors from this machine, who may look and change nothing. */
const admin = Admin.layer({ path: "/cache", caches: [CacheService] })

/** Needs a cache, and the Valkey beneath it. */
export const app = HttpRouter.serve(Layer.mergeAll(page, events, controls, api, admin), {
  disableListenLog: true,
  disableLogger: true
}).pipe(
  Layer.provide(Looks.layer),
  Layer.provide(Visitors.layer),
  Layer.provide(Shop.layer),
  Layer.provide(Database.layer)
)
