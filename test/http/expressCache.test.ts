/** Cached responses of Express, over connections. */
import { once } from "node:events"
import { get } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { join } from "node:path"
import { Readable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import express, { type Express } from "express"
import { CacheLive, CacheMemory, ValkeyStandalone } from "effect-vcache"
import { type ExpressCache, expressCache } from "effect-vcache/express"
import { soon } from "../support/until.ts"

const page = { "cache-control": "public, max-age=60" }

/** Runs an application behind a cache while `visit` asks it. */
const serving = async <A>(
  build: (app: Express, pages: ExpressCache) => void,
  visit: (
    ask: (path: string, init?: RequestInit) => Promise<Response>,
    port: number,
    pages: ExpressCache
  ) => Promise<A>,
  pages: ExpressCache = expressCache(CacheMemory)
): Promise<A> => {
  const app = express()
  build(app, pages)
  app.use((error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.status(500).send(`failed: ${error instanceof Error ? error.message : String(error)}`)
  })
  const server = app.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  try {
    return await visit((path, init) => fetch(`http://127.0.0.1:${port}${path}`, init), port, pages)
  } finally {
    server.closeAllConnections()
    server.close()
    await pages.close()
  }
}

/** Asks without `fetch`, which sends `no-cache` together with conditions. */
const statusOf = async (url: string, headers: Record<string, string>) => {
  const [response] = await once(get(url, { headers }), "response")
  return response.resume().statusCode
}

const bodies = (responses: ReadonlyArray<Response>) => Promise.all(responses.map((response) => response.text()))

describe("expressCache", () => {
  it("calls the handler once for all who ask, and answers from then on", async () => {
    let calls = 0
    await serving(
      (app, pages) => {
        const router = express.Router()
        router.get("/:n", (request, response) => {
          calls++
          const { baseUrl, originalUrl, params, url } = request
          const seen = { baseUrl, originalUrl, n: params.n, url, locals: response.locals }
          setTimeout(() => response.set(page).json(seen), 30)
        })
        app.use((_request, response, next) => {
          response.locals["user"] = "ada"
          response.set({ vary: "Origin", "x-outer": "1" })
          next()
        })
        app.use("/pages", pages.wrap(router))
      },
      async (ask, _port, pages) => {
        const responses = await Promise.all(Array.from({ length: 100 }, () => ask("/pages/1?a=b")))
        const expected = JSON.stringify({
          baseUrl: "/pages",
          originalUrl: "/pages/1?a=b",
          n: "1",
          url: "/1?a=b",
          locals: { user: "ada" }
        })
        assert.deepStrictEqual(new Set(await bodies(responses)), new Set([expected]))
        const hit = await ask("/pages/1?a=b")
        assert.include(hit.headers.get("cache-status"), "hit")
        assert.deepStrictEqual(
          ["vary", "x-outer", "content-type", "x-powered-by"].map((name) => hit.headers.get(name)),
          ["Origin", "1", "application/json; charset=utf-8", "Express"]
        )
        const etag = hit.headers.get("etag") ?? ""
        assert.strictEqual(await statusOf(hit.url, { "if-none-match": etag }), 304)
        const head = await ask("/pages/1?a=b", { method: "HEAD" })
        assert.strictEqual(head.headers.get("content-length"), String(expected.length))
        const part = await ask("/pages/1?a=b", { headers: { range: "bytes=2-8" } })
        assert.deepStrictEqual([part.status, await part.text()], [206, "baseUrl"])
        assert.strictEqual(calls, 1)
        assert.isTrue(await pages.purge(`${new URL(hit.url).host}/pages/1?a=b`))
        await ask("/pages/1?a=b")
        assert.strictEqual(calls, 2)
      }
    )
  })

  it("shares nothing that is for one visitor", async () => {
    let calls = 0
    await serving(
      (app, pages) => {
        const made = (headers: Record<string, string>) =>
          pages.wrap(
            (request, response) => void response.set(headers).send(`${request.headers.authorization} ${++calls}`)
          )
        app.get("/cookie", made({ ...page, "set-cookie": "a=1" }))
        app.get("/private", made({ "cache-control": "private, max-age=60" }))
        app.get("/says-nothing", made({}))
        app.get("/max-age", made({ "cache-control": "max-age=60" }))
        app.get("/vary", made({ "cache-control": "public, max-age=60", vary: "Authorization" }))
      },
      async (ask) => {
        const as = (user: string) => ({ headers: { authorization: user } })
        for (const path of ["/cookie", "/private", "/says-nothing", "/max-age", "/vary"]) {
          const both = await bodies([await ask(path, as("ada")), await ask(path, as("bob"))])
          assert.deepStrictEqual(
            both.map((body) => body.split(" ")[0]),
            ["ada", "bob"],
            path
          )
          const visits = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(path, as(`user${i}`))))
          assert.deepStrictEqual(
            (await bodies(visits)).map((body) => body.split(" ")[0]),
            visits.map((_, i) => `user${i}`)
          )
        }
        assert.strictEqual((await ask("/cookie")).headers.get("set-cookie"), "a=1")
      }
    )
  })

  it("serves a stale page and has it made anew with a response of its own", async () => {
    let calls = 0
    await serving(
      (app, pages) => {
        app.get(
          "/",
          pages.wrap((_request, response) => {
            response.set("cache-control", "max-age=0, stale-while-revalidate=60").send(`page ${++calls}`)
          })
        )
      },
      async (ask) => {
        assert.deepStrictEqual(await bodies([await ask("/"), await ask("/")]), ["page 1", "page 1"])
        await soon("a second run", () => calls >= 2)
        await soon("the new page", async () => (await (await ask("/")).text()) !== "page 1")
      }
    )
  })

  it("lets pass what streams, as fast as it is read, and tells the handler when nobody reads", async () => {
    const large = Buffer.alloc(3_000_000, "0123456789")
    const closed: Array<string> = []
    let written = 0
    let tell = () => false
    await serving(
      (app, pages) => {
        app.get(
          "/large",
          pages.wrap((_request, response) => void Readable.from([large, large]).pipe(response.set(page)))
        )
        app.get(
          "/file",
          pages.wrap((_request, response) => response.set(page).sendFile(join(import.meta.dirname, "../../LICENSE")))
        )
        app.get(
          "/events",
          pages.wrap((request, response) => {
            response.set({ "content-type": "text/event-stream", "cache-control": "no-store" }).flushHeaders()
            tell = () => response.write("data: 1\n\n")
            request.on("close", () => closed.push("request"))
            response.on("close", () => closed.push("response"))
          })
        )
        app.get(
          "/endless",
          pages.wrap((_request, response) => {
            const endless = new Readable({
              read() {
                written++
                this.push(Buffer.alloc(16_384))
              }
            })
            endless.pipe(response)
            response.on("close", () => {
              endless.destroy()
              closed.push("endless")
            })
          })
        )
      },
      async (ask) => {
        const body = Buffer.from(await (await ask("/large")).arrayBuffer())
        assert.isTrue(body.equals(Buffer.concat([large, large])))
        for (let i = 0; i < 2; i++) {
          const file = await ask("/file")
          assert.strictEqual((await file.text()).length, Number(file.headers.get("content-length")))
          assert.strictEqual(/hit/.test(file.headers.get("cache-status") ?? ""), i === 1)
        }
        const leaving = new AbortController()
        const events = await ask("/events", { signal: leaving.signal })
        tell()
        assert.strictEqual(new TextDecoder().decode((await events.body?.getReader().read())?.value), "data: 1\n\n")
        const endless = await ask("/endless", { signal: leaving.signal })
        await endless.body?.getReader().read()
        await new Promise((resolve) => setTimeout(resolve, 100))
        const before = written
        await new Promise((resolve) => setTimeout(resolve, 100))
        assert.strictEqual(written, before, "it is written faster than it is read")
        leaving.abort()
        await soon("all to be closed", () => closed.length === 3)
        assert.sameMembers(closed, ["request", "response", "endless"])
      }
    )
  })

  it("goes on for the others when the client that asked first has gone", async () => {
    let calls = 0
    let finish = () => {}
    await serving(
      (app, pages) => {
        app.get(
          "/",
          pages.wrap((request, response) => {
            calls++
            request.on("close", () => response.destroy())
            finish = () => void response.set(page).send("page")
          })
        )
      },
      async (ask) => {
        const leaving = new AbortController()
        const first = ask("/", { signal: leaving.signal }).catch(() => "gone")
        await soon("the first run", () => calls === 1)
        const others = Array.from({ length: 5 }, () => ask("/"))
        leaving.abort()
        assert.strictEqual(await first, "gone")
        finish()
        assert.deepStrictEqual(await bodies(await Promise.all(others)), ["page", "page", "page", "page", "page"])
        assert.strictEqual(calls, 1)
      }
    )
  })

  it("hands on what a handler throws, rejects with, or gives to next; and a response that breaks is broken", async () => {
    await serving(
      (app, pages) => {
        app.get(
          "/thrown",
          pages.wrap(() => {
            throw new Error("thrown")
          })
        )
        app.get(
          "/rejected",
          pages.wrap(() => Promise.reject(new Error("rejected")))
        )
        app.get(
          "/next",
          pages.wrap((_request, _response, next) => next(new Error("next")))
        )
        app.get(
          "/on",
          pages.wrap((_request, _response, next) => next()),
          (_request, response) => void response.send("on")
        )
        app.use("/router", pages.wrap(express.Router()))
        for (const [path, headers] of [
          ["/broken", page],
          ["/streaming", { "cache-control": "no-store" }]
        ] as const) {
          app.get(
            path,
            pages.wrap((_request, response) => {
              response.set(headers).write("half")
              setTimeout(() => response.destroy(new Error("broken")), 10)
            })
          )
        }
        app.get(
          "/short",
          pages.wrap((_request, response) => {
            response.writeHead(200, { ...page, "content-length": 10 }).write("half")
            setTimeout(() => response.end(), 10)
          })
        )
        app.get(
          "/chunked",
          pages.wrap((_request, response) => void response.setHeader("transfer-encoding", "chunked").end("whole"))
        )
        app.get(
          "/odd",
          pages.wrap((_request, response) => void response.status(204).set("x-a", "b").send("no body"))
        )
      },
      async (ask) => {
        for (const how of ["thrown", "rejected", "next"]) {
          for (const response of await Promise.all([ask(`/${how}`), ask(`/${how}`)])) {
            assert.deepStrictEqual([response.status, await response.text()], [500, `failed: ${how}`])
          }
        }
        assert.strictEqual(await (await ask("/on")).text(), "on")
        assert.strictEqual((await ask("/router/none")).status, 404)
        assert.strictEqual(await (await ask("/broken")).text(), "failed: The response was closed before its end.")
        for (let i = 0; i < 2; i++) {
          assert.strictEqual(
            await (await ask("/short")).text(),
            "failed: The length of the response is not the one that its headers say."
          )
        }
        const chunked = await ask("/chunked")
        assert.deepStrictEqual([await chunked.text(), chunked.headers.get("content-length")], ["whole", null])
        const streaming = await ask("/streaming")
        assert.strictEqual(await streaming.text().catch(() => "broken"), "broken")
        const empty = await ask("/odd")
        assert.deepStrictEqual([empty.status, await empty.text(), empty.headers.get("x-a")], [204, "", "b"])
      }
    )
  })

  it("takes from a handler what Node takes, and throws what Node throws", async () => {
    const thrownBy = (write: () => unknown) => {
      try {
        write()
        return "nothing"
      } catch (error) {
        return error instanceof TypeError ? "TypeError" : String(error)
      }
    }
    const trying: express.RequestHandler = (_request, response) => {
      const thrown = [null, undefined, 0, 1, {}].map((chunk) => thrownBy(() => response.write(chunk)))
      const atEnd = [1, {}].map((chunk) => thrownBy(() => response.end(chunk)))
      response.send([...thrown, ...atEnd].join())
    }
    const ending: express.RequestHandler = (_request, response) => void response.end(0)
    await serving(
      (app, pages) => {
        for (const [path, handler] of Object.entries({ trying, ending })) {
          app.get(`/bare/${path}`, handler)
          app.get(`/cached/${path}`, pages.wrap(handler))
        }
      },
      async (ask) => {
        const seen = async (path: string) => {
          const response = await ask(path)
          return { length: response.headers.get("content-length"), text: await response.text() }
        }
        const bare = await seen("/bare/trying")
        assert.strictEqual(bare.text, Array.from({ length: 7 }, () => "TypeError").join())
        assert.deepStrictEqual(await seen("/cached/trying"), bare)
        assert.deepStrictEqual(await seen("/bare/ending"), { length: "0", text: "" })
        assert.deepStrictEqual(await seen("/cached/ending"), { length: "0", text: "" })
      }
    )
  })

  it("gives a handler the body, and forgets the page that it changes", async () => {
    let text = "first"
    await serving(
      (app, pages) => {
        const router = express.Router()
        router.get("/", (_request, response) => void response.set(page).send(text))
        router.put("/", express.json(), (request, response) => {
          text = request.body.text
          response.sendStatus(204)
        })
        app.use("/text", pages.wrap(router))
        app.use(pages.wrap(express()))
        app.post("/next", express.json(), (request, response) => {
          response.send([request.body.text, request.res === response, request.app === app].join())
        })
      },
      async (ask) => {
        assert.strictEqual(await (await ask("/text")).text(), "first")
        text = "unseen"
        assert.strictEqual(await (await ask("/text")).text(), "first")
        const put = {
          method: "PUT",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ text: "second" })
        }
        assert.strictEqual((await ask("/text", put)).status, 204)
        assert.strictEqual(await (await ask("/text")).text(), "second")
        assert.strictEqual(await (await ask("/next", { ...put, method: "POST" })).text(), "second,true,true")
      }
    )
  })

  it("stores nothing under the name of another page", async () => {
    await serving(
      (app, pages) => {
        app.use(pages.wrap((request, response) => void response.set(page).send(request.url)))
      },
      async (ask, port) => {
        const raw = async (target: string) => {
          const socket = connect(port, "127.0.0.1")
          socket.end(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
          return Buffer.concat(await socket.toArray())
            .toString()
            .split("\r\n\r\n")[1]
        }
        for (const target of [
          "/public/../private",
          "/public/%2e%2e/private",
          `http://127.0.0.1:${port}/private`,
          "/private#x",
          "/private\\x"
        ]) {
          await raw(target)
        }
        assert.strictEqual(await (await ask("/private")).text(), "/private")
      }
    )
  })

  it("lets the handler answer where the cache cannot, and hands on why there is none", async () => {
    const build = (app: Express, pages: ExpressCache) =>
      void app.get(
        "/",
        pages.wrap((_request, response) => void response.set(page).send("page"))
      )
    const nobody = Layer.provide(CacheLive, ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" }))
    await serving(
      build,
      async (ask, _port, pages) => {
        assert.strictEqual(await (await ask("/")).text(), "page")
        await pages.close()
        assert.strictEqual(await (await ask("/")).text(), "page")
      },
      expressCache(nobody)
    )
    const broken = expressCache(Layer.fresh(Layer.unwrap(Effect.fail("no such server"))))
    await serving(
      build,
      async (ask) => assert.strictEqual(await (await ask("/")).text(), "failed: no such server"),
      broken
    )
  })
})
