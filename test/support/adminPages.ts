/** A visitor of the admin pages who fills in their forms, as a browser does without scripts. */
import { assert } from "@effect/vitest"
import { type Context, Effect, Layer, Logger, Option, References } from "effect"
import { HttpRouter } from "effect/http"
import { CacheLive, type CacheRegion, CacheService, type TypedCache, type ValkeyClient } from "effect-vcache"
import { Admin } from "effect-vcache/admin"

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" }
const unescaped = (text: string): string => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => entities[name] ?? "")

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : unescaped(found)
}

export interface FoundForm {
  readonly address: string
  readonly fields: Readonly<Record<string, string>>
  /** The same with all fields that have one name. */
  readonly all: ReadonlyArray<readonly [name: string, value: string]>
}

/** The page of a key. */
export const addressOf = (key: string): string => `/cache/key?k=${Buffer.from(key).toString("base64url")}`

/** Whether a form is that of an element: an index, a field, a member or an id. */
export const isNamed =
  (element: string) =>
  ({ fields }: FoundForm): boolean =>
    fields["name"] === Buffer.from(element).toString("base64url")

/** The forms of a page that change something. */
export const formsIn = (page: string): ReadonlyArray<FoundForm> =>
  [...page.matchAll(/<form method="post"[^>]*>[^]*?<\/form>/g)].map(([form]) => {
    const inputs = [...form.matchAll(/<input[^>]*>/g)].map(
      ([tag]) => [attribute(tag, "name") ?? "", attribute(tag, "value") ?? ""] as const
    )
    const areas = [...form.matchAll(/<textarea([^>]*)>\n?([^]*?)<\/textarea/g)].map(
      ([, tag = "", text = ""]) => [attribute(tag, "name") ?? "", unescaped(text)] as const
    )
    return { address: attribute(form, "action") ?? "", fields: Object.fromEntries([...inputs, ...areas]), all: inputs }
  })

export const pageVisitor = (handler: (request: Request) => Promise<Response>, authorization: string) => {
  const ask = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set("authorization", authorization)
    return handler(new Request(`http://localhost${path}`, { ...init, headers }))
  }
  const send = (
    address: string,
    fields: Readonly<Record<string, string>> | URLSearchParams,
    headers: Readonly<Record<string, string>> = {}
  ) => ask(address, { method: "POST", body: new URLSearchParams(fields), headers, redirect: "manual" })

  const form = (page: string, action: string, which: (form: FoundForm) => boolean = () => true): FoundForm => {
    const found = formsIn(page).find((form) => form.fields["action"] === action && which(form))
    assert.isDefined(found, `a form for ${action}`)
    return found ?? { address: "", fields: {}, all: [] }
  }

  return {
    ask,
    send,
    /** Opens a page; the forms on it can be sent as they were then. */
    open: async (path: string) => {
      const page = await (await ask(path)).text()
      return {
        page,
        forms: formsIn(page),
        submit: (
          action: string,
          fields: Readonly<Record<string, string>> = {},
          which?: (form: FoundForm) => boolean
        ) => {
          const { address, fields: there } = form(page, action, which)
          return send(address, { ...there, ...fields })
        }
      }
    }
  }
}

/** Who visits, by the header `authorization`. */
const rights: Readonly<Record<string, Admin.AdminRights>> = {
  viewer: { view: true },
  editor: { view: true, edit: true },
  deleter: { view: true, delete: true },
  all: { view: true, edit: true, delete: true, flush: true },
  // Without the right to view the others are worth nothing.
  blind: { edit: true, delete: true, flush: true }
}

export const authorize: Admin.Authorize<never> = ({ headers }) => {
  const name = headers["authorization"] ?? ""
  const own = rights[name]
  return Effect.succeed(own === undefined ? undefined : { name, rights: own })
}

/** Pages over a cache of its own, whose operations the test calls, too; with a region where one is given. */
export const pagesOver = async <I = never>(
  client: Layer.Layer<ValkeyClient, unknown>,
  prefix: string,
  options: Parameters<typeof CacheLive.layer>[0] = {},
  region?: Context.Key<I, { readonly entries: CacheRegion.RegionEntries }> & {
    readonly layer: Layer.Layer<I, unknown, CacheService>
  }
) => {
  const hide = (key: string) => key.startsWith("hidden")
  const logged: Array<string> = []
  const log = Logger.layer([
    Logger.make(({ fiber, message }) => {
      logged.push(String(message), JSON.stringify(fiber.getRef(References.CurrentLogAnnotations)))
    })
  ])
  let cache: TypedCache<unknown> | undefined
  const taken = Layer.effectDiscard(Effect.map(CacheService, (service) => void (cache = service)))
  const routes = Layer.merge(
    region === undefined
      ? Admin.layer({ caches: [CacheService], authorize, hide })
      : Layer.provide(Admin.layer({ caches: [CacheService], regions: [region], authorize, hide }), region.layer),
    taken
  )
  const { dispose, handler } = HttpRouter.toWebHandler(
    routes.pipe(Layer.provide(CacheLive.layer({ prefix, ...options })), Layer.provide(client), Layer.provideMerge(log)),
    { disableLogger: true }
  )
  await handler(new Request("http://localhost/"))
  if (cache === undefined) throw new Error("there is no cache")
  const own = cache
  return {
    cache: own,
    logged,
    dispose,
    as: (name: string) => pageVisitor(handler, name),
    at: addressOf,
    run: <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect),
    value: (key: string) => Effect.runPromise(Effect.map(own.get(key), Option.getOrUndefined)),
    pttl: async (key: string) => Number(await Effect.runPromise(own.client.send("PTTL", [own.makeKey(key)]))),
    call: (name: string, key: string, ...args: ReadonlyArray<string | number>) =>
      Effect.runPromise(own.client.send(name, [own.makeKey(key), ...args]))
  }
}
