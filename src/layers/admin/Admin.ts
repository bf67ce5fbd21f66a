/** Pages that look into caches, for Effect's `HttpRouter`. They change nothing. */
import { Context, Effect, type Layer } from "effect"
import { HttpRouter, type HttpServerRequest, type HttpServerResponse } from "effect/http"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { type Authorize, fromThisMachine } from "./access.ts"
import type { Visit } from "./frame.ts"
import { keyPage, keysPage, type Shown } from "./keyPages.ts"
import { overview } from "./overview.ts"
import { page, plain, style } from "./respond.ts"
import { styleSheet } from "./styleSheet.ts"

export type { AdminRights, AdminVisitor, Authorize } from "./access.ts"

/** The tags of caches. */
type Tags = ReadonlyArray<Context.Key<unknown, TypedCache<unknown>>>

/** Which caches the admin pages show, where, and to whom. */
export interface AdminOptions<C extends Tags, R = never> {
  /** Where the pages are mounted. Default: `/cache`. */
  readonly path?: `/${string}` | undefined
  /** The tags of the caches that are shown: their keys of one prefix and version, and nothing else. */
  readonly caches: C
  /**
   * Who a visitor is, and what he may do. Undefined, or no right to view, is answered with 403. Default: direct visitors from this
   * machine may view: the peer and the Host are loopback, and no header tells of a proxy.
   */
  readonly authorize?: Authorize<R> | undefined
  /** Keys whose values are not shown, such as those of sessions. Default: all values are shown. */
  readonly hide?: ((key: string, cache: string) => boolean) | undefined
}

/**
 * The routes of the pages: an overview of caches and servers, the keys of a cache, and what one of them holds. All are answered to
 * GET only, after `authorize`, with a policy that lets nothing run and nothing come from elsewhere.
 *
 *     const routes = Admin.layer({ path: "/cache", caches: [CacheService], authorize })
 */
export const layer = <const C extends Tags, R = never>({
  authorize,
  caches,
  hide = () => false,
  path = "/cache"
}: AdminOptions<C, R>): Layer.Layer<never, never, C[number]["Identifier"] | R | HttpRouter.HttpRouter> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const context = yield* Effect.context<C[number]["Identifier"] | R>()
      const base = path.replace(/\/+$/, "")
      const shown = caches.map((tag) => ({ name: tag.key, cache: Context.get(context, tag) }))

      const visitorOf = (request: HttpServerRequest.HttpServerRequest) =>
        authorize === undefined ? fromThisMachine(request) : Effect.provideContext(authorize(request), context)

      const answered =
        (answer: (visit: Visit) => Effect.Effect<HttpServerResponse.HttpServerResponse>) =>
        (request: HttpServerRequest.HttpServerRequest): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
          Effect.flatMap(visitorOf(request), (visitor) => {
            if (visitor?.rights.view !== true) return Effect.succeed(plain("You may not look at this.\n", 403))
            if (request.method !== "GET" && request.method !== "HEAD") {
              return Effect.succeed(plain("These pages change nothing.\n", 405, { allow: "GET, HEAD" }))
            }
            const { pathname, searchParams } = new URL(request.url, "http://localhost")
            const isRoot = pathname.replace(/\/$/, "") === base
            return answer({ path: base, visitor, caches: shown, params: searchParams, isRoot })
          })

      const shownPage = (answer: (visit: Visit) => Effect.Effect<Shown>) =>
        answered((visit) => Effect.map(answer(visit), ({ body, status }) => page(body, status)))

      const routes = {
        "/keys": shownPage(keysPage),
        "/key": shownPage((visit) => keyPage(visit, hide)),
        "/admin.css": answered(() => Effect.succeed(style(styleSheet))),
        // The router takes the path itself for one beneath it.
        "/*": answered((visit) =>
          visit.isRoot
            ? Effect.map(overview(visit), (body) => page(body))
            : Effect.succeed(plain("There is no such page.\n", 404))
        )
      }
      for (const [end, handler] of Object.entries(routes)) {
        yield* router.add("*", `/${`${base}${end}`.slice(1)}`, handler)
      }
    })
  )
