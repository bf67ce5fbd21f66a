/** A browser with a jar for one cookie, and the application that it asks. */
import { Layer } from "effect"
import { HttpRouter, type HttpServerError } from "effect/http"
import { CacheMemory, type CacheService } from "effect-vcache"

export const browserOf = async (
  routes: Layer.Layer<
    never,
    unknown,
    CacheService | HttpRouter.HttpRouter | HttpRouter.Request<"Error", HttpServerError.HttpServerError>
  >,
  cache: Layer.Layer<CacheService> = CacheMemory
) => {
  const { dispose, handler } = HttpRouter.toWebHandler(routes.pipe(Layer.provide(cache)), { disableLogger: true })
  let cookie: string | undefined

  /** With the cookie of now; what comes back is not taken. */
  const send = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (cookie !== undefined) headers.set("cookie", cookie)
    return handler(new Request(`http://test${path}`, { ...init, headers }))
  }
  const take = (response: Response) => {
    const set = response.headers.get("set-cookie")
    if (set !== null) cookie = /max-age=0|expires=Thu, 01 Jan 1970/i.test(set) ? undefined : set.split(";")[0]
    return response
  }

  return {
    send,
    take,
    ask: async (path: string, init?: RequestInit) => take(await send(path, init)),
    dispose,
    cookie: () => cookie,
    setCookie: (next: string | undefined) => void (cookie = next)
  }
}
