/** The admin pages of `effect-vcache admin`. Only that command loads this module, because an HTTP server takes longer to load than the other commands take to run. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { type AdminRight, fromThisMachine } from "../admin/access/access.ts"
import * as Admin from "../admin/Admin.ts"
import { layerFor } from "../cache/CacheLive.ts"
import { Pass } from "./Pass.ts"

const redirect = (headers: Readonly<Record<string, string>>) =>
  HttpServerResponse.empty({
    status: 303,
    headers: { "cache-control": "no-store", "referrer-policy": "no-referrer", ...headers }
  })

/** The printed address. It exchanges the token for a cookie, so that no later address contains the token. */
const entrance = (pass: Pass) =>
  HttpRouter.add("GET", "/", (request) =>
    Effect.map(fromThisMachine(request), (visitor) => {
      const given = new URL(request.url, "http://localhost").searchParams.get("token")
      if (visitor !== undefined && given !== null && pass.is(given)) {
        const cookie = `${pass.cookie}=${pass.token}; HttpOnly; SameSite=Strict; Path=/`
        return redirect({ location: "/cache", "set-cookie": cookie })
      }
      return pass.isIn(request)
        ? redirect({ location: "/cache" })
        : HttpServerResponse.text("Open the address that the command has printed.\n", { status: 403 })
    })
  )

/** The cache of one prefix. */
interface Shown {
  readonly prefix: string
}

const cachesOf = (prefixes: ReadonlyArray<string>, version: number) =>
  prefixes.map((prefix) => {
    const tag = Context.Service<Shown, TypedCache<unknown>>(prefix === "" ? "without prefix" : prefix)
    return { tag, layer: layerFor(tag, { prefix, version }) }
  })

/** What is served, and where. */
interface Serving {
  readonly prefixes: ReadonlyArray<string>
  readonly version: number
  readonly granted: ReadonlyArray<AdminRight>
  readonly port: number
}

/** The pages, and the address to open. They end with the scope. */
export const serve = (serving: Serving) =>
  Effect.gen(function* () {
    const pass = new Pass()
    const context = yield* Layer.build(served(serving, pass))
    const at = yield* Effect.provideContext(HttpServer.addressFormattedWith(Effect.succeed), context)
    return `${at}/?token=${pass.token}`
  })

const served = ({ granted, port, prefixes, version }: Serving, pass: Pass) => {
  const caches = cachesOf(prefixes, version)
  const rights = Object.fromEntries([["view", true], ...granted.map((right) => [right, true])])
  const pages = Admin.layer({
    caches: caches.map(({ tag }) => tag),
    authorize: (request) =>
      Effect.map(fromThisMachine(request), (visitor) =>
        visitor !== undefined && pass.isIn(request) ? { name: visitor.name, rights } : undefined
      )
  })
  return HttpRouter.serve(Layer.merge(pages, entrance(pass)), { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provide(caches.map(({ layer }) => layer).reduce((all, layer) => Layer.merge(all, layer))),
    // Other machines cannot connect.
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" }))
  )
}
