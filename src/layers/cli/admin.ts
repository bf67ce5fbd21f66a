/** `effect-vcache admin`: the admin pages on this machine. */
import { randomBytes, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { Command, Flag } from "effect/cli"
import { HttpRouter, HttpServer, type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { fromThisMachine } from "../admin/access.ts"
import * as Admin from "../admin/Admin.ts"
import { layerFor } from "../cache/CacheLive.ts"
import { CliFailure } from "./CliFailure.ts"
import { connected } from "./root.ts"

const grantable = ["edit", "delete", "flush"] as const

/** What whoever has the printed address holds. Other users of the machine reach the port, and do not have it. */
class Pass {
  readonly token: string
  /** Cookies of a host are sent to all of its ports: each command has a name of its own. */
  readonly cookie: string

  constructor() {
    this.token = randomBytes(24).toString("base64url")
    this.cookie = `effect-vcache-admin-${randomBytes(6).toString("base64url")}`
  }

  is(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.token)]
    return a.length === b.length && timingSafeEqual(a, b)
  }

  isIn({ headers }: HttpServerRequest.HttpServerRequest): boolean {
    const start = `${this.cookie}=`
    const found = (headers["cookie"] ?? "").split("; ").find((cookie) => cookie.startsWith(start))
    return found !== undefined && this.is(found.slice(start.length))
  }
}

const redirect = (headers: Readonly<Record<string, string>>) =>
  HttpServerResponse.empty({
    status: 303,
    headers: { "cache-control": "no-store", "referrer-policy": "no-referrer", ...headers }
  })

/** The printed address: it gives a cookie for the token, which then stands in no address any more. */
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

const served = (
  prefixes: ReadonlyArray<string>,
  version: number,
  granted: ReadonlyArray<(typeof grantable)[number]>,
  port: number,
  pass: Pass
) => {
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
    // Nobody else's machine.
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" }))
  )
}

export const admin = Command.make(
  "admin",
  {
    prefix: Flag.String("prefix").pipe(
      Flag.withDescription("The prefix of a cache; may be given several times. Default: the cache without prefix"),
      Flag.atLeast(0)
    ),
    version: Flag.Int("keys-version").pipe(
      Flag.withDescription("The version of the caches' keys"),
      Flag.withDefault(1)
    ),
    allow: Flag.Literals("allow", grantable).pipe(
      Flag.withDescription("What may be done besides looking; may be given several times"),
      Flag.atLeast(0)
    ),
    port: Flag.Int("port").pipe(Flag.withDescription("0 is any that is free"), Flag.withDefault(0))
  },
  ({ allow, port, prefix, version }) =>
    connected((client, output) =>
      Effect.scoped(
        Effect.gen(function* () {
          const pass = new Pass()
          const prefixes = prefix.length === 0 ? [""] : [...new Set(prefix)]
          const layer = served(prefixes, version, allow, port, pass)
          const context = yield* Layer.build(layer).pipe(
            Effect.provideService(ValkeyClient, client),
            Effect.catchTag("ServeError", () =>
              Effect.fail(new CliFailure({ code: 3, message: `No pages on port ${port}.` }))
            )
          )
          const at = yield* Effect.provideContext(HttpServer.addressFormattedWith(Effect.succeed), context)
          const address = `${at}/?token=${pass.token}`
          yield* output.isJson ? output.json({ address }) : output.line(address)
          return yield* Effect.never
        })
      )
    )
).pipe(
  Command.withDescription(
    "Serves the admin pages on this machine, and prints the address to open. Whoever has the address may look, and do what --allow says, until the command is stopped"
  )
)
