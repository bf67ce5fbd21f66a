/** A client whose responses are cached, against a real origin on this machine. */
import http from "node:http"
import type { AddressInfo } from "node:net"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { CacheMemory, CacheService } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"

type Answer = (request: http.IncomingMessage, response: http.ServerResponse, count: number) => void

/** An origin, which can be stopped. */
const startOrigin = (answer: Answer) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{
          readonly url: string
          readonly requests: Array<http.IncomingMessage>
          readonly stop: () => void
        }>((resolve) => {
          const requests: Array<http.IncomingMessage> = []
          const server = http.createServer((request, response) => answer(request, response, requests.push(request)))
          const stop = () => {
            server.close()
            server.closeAllConnections()
          }
          server.listen(0, "127.0.0.1", () =>
            resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, stop })
          )
        })
    ),
    ({ stop }) => Effect.sync(stop)
  )

const cachedClient = (options: HttpCache.HttpCacheClientOptions = {}) =>
  Effect.flatMap(HttpClient.HttpClient, HttpCache.client(options))

const textOf = (response: HttpClientResponse.HttpClientResponse) => response.text

const cacheStatus = ({ headers }: HttpClientResponse.HttpClientResponse) =>
  headers["cache-status"]?.replace("effect-vcache; ", "")

const saying =
  (headers: Readonly<Record<string, string>>, status = 200): Answer =>
  (_, response, count) => {
    response.writeHead(status, headers).end(`v${count}`)
  }

for (const [name, client] of [
  ["fetch", FetchHttpClient.layer],
  ["node:http", NodeHttpClient.layerNodeHttp]
] as const) {
  const test = (
    title: string,
    run: () => Effect.Effect<void, unknown, HttpClient.HttpClient | CacheService | Scope.Scope>
  ) => it.live(title, () => Effect.scoped(run()).pipe(Effect.provide(client), Effect.provide(Layer.fresh(CacheMemory))))

  describe(`a cached client over ${name}`, () => {
    test("stores what the origin lets it, private responses as well; s-maxage is not for it", () =>
      Effect.gen(function* () {
        const cached = yield* cachedClient()
        for (const [control, hit] of [
          ["max-age=60", true],
          ["private, max-age=60", true],
          ["no-store, max-age=60", false],
          ["s-maxage=60", false],
          ["s-maxage=0, max-age=60", true]
        ] as const) {
          const { url } = yield* startOrigin(saying({ "cache-control": control, "content-type": "text/plain" }))
          assert.strictEqual(yield* Effect.flatMap(cached.get(url), textOf), "v1")
          const second = yield* cached.get(url)
          assert.strictEqual(cacheStatus(second), hit ? "hit" : undefined, control)
          assert.strictEqual(yield* second.text, hit ? "v1" : "v2", control)
          assert.strictEqual(second.headers["content-type"], "text/plain")
          assert.strictEqual(second.url, `${url}/`)
        }
      }))

    test("one request for all who ask; each for whoever shows other credentials", () =>
      Effect.gen(function* () {
        const cached = yield* cachedClient()
        const { requests, url } = yield* startOrigin((request, response) => {
          setTimeout(() => {
            response.writeHead(200, { "cache-control": "private, max-age=60" })
            const { authorization, cookie, "x-api-key": key } = request.headers
            response.end(`for ${authorization ?? cookie ?? String(key ?? "nobody")}`)
          }, 50)
        })
        const asAda = HttpClientRequest.get(url).pipe(HttpClientRequest.bearerToken("ada"))
        const asEve = HttpClientRequest.get(url).pipe(HttpClientRequest.bearerToken("eve"))
        const withCookie = HttpClientRequest.get(url).pipe(HttpClientRequest.setHeader("cookie", "id=1"))
        const withKey = HttpClientRequest.get(url).pipe(HttpClientRequest.setHeader("x-api-key", "key"))
        for (let round = 0; round < 3; round++) {
          const texts = yield* Effect.forEach(
            [asAda, asEve, withCookie, withKey, HttpClientRequest.get(url), asAda, asEve],
            (request) => Effect.flatMap(cached.execute(request), textOf),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(texts, [
            "for Bearer ada",
            "for Bearer eve",
            "for id=1",
            "for key",
            "for nobody",
            "for Bearer ada",
            "for Bearer eve"
          ])
        }
        // The page of whoever came first is made once more, when there is a second.
        assert.isAtMost(requests.length, 10)
        const before = requests.length
        yield* Effect.forEach([asAda, asEve], (request) => cached.execute(request))
        assert.strictEqual(requests.length, before)
        const many = yield* startOrigin(saying({ "cache-control": "max-age=60" }))
        yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.flatMap(cached.get(many.url), textOf), {
          concurrency: "unbounded"
        })
        assert.strictEqual(many.requests.length, 1)
      }))

    test("secrets in a URL or in headers stand nowhere in the cache", () =>
      Effect.gen(function* () {
        const cached = yield* cachedClient()
        const { url } = yield* startOrigin(saying({ "cache-control": "max-age=60", vary: "X-Other" }))
        const request = HttpClientRequest.get(`${url}/a?token=hidden1`).pipe(
          HttpClientRequest.bearerToken("hidden2"),
          HttpClientRequest.setHeader("x-other", "hidden3")
        )
        yield* cached.execute(request)
        assert.strictEqual(cacheStatus(yield* cached.execute(request)), "hit")
        assert.notStrictEqual(cacheStatus(yield* cached.get(`${url}/a?token=hidden4`)), "hit")
        const cache = yield* CacheService
        const keys = yield* Stream.runCollect(cache.client.scan())
        const values = yield* Effect.forEach(keys, (key) => cache.client.send("GET", [key]))
        for (const text of [...keys, ...values.map(String)]) assert.notMatch(text, /hidden/)
      }))

    test("validates with the ETag", () =>
      Effect.gen(function* () {
        const cached = yield* cachedClient()
        const { requests, url } = yield* startOrigin((request, response, count) => {
          if (request.headers["if-none-match"] === '"one"') return void response.writeHead(304).end()
          response.writeHead(200, { "cache-control": "no-cache", etag: '"one"' }).end(`v${count}`)
        })
        for (let round = 1; round <= 3; round++) {
          const response = yield* cached.get(url)
          assert.deepStrictEqual([response.status, yield* response.text], [200, "v1"])
          yield* Effect.sleep(5)
        }
        assert.deepStrictEqual(
          requests.map(({ headers }) => headers["if-none-match"]),
          [undefined, '"one"', '"one"']
        )
      }))

    test("serves what is stale where the origin fails, and what is not stored as it came", () =>
      Effect.gen(function* () {
        const cached = yield* cachedClient({ staleIfError: "1 minute" })
        let status = 200
        const { stop, url } = yield* startOrigin((request, response, count) =>
          saying({ "cache-control": "max-age=0", "x-count": `${count}` }, status)(request, response, count)
        )
        assert.strictEqual(yield* Effect.flatMap(cached.get(url), textOf), "v1")
        yield* Effect.sleep(5)
        status = 503
        assert.strictEqual(yield* Effect.flatMap(cached.get(url), textOf), "v1")
        stop()
        const stale = yield* cached.get(url)
        assert.deepStrictEqual([cacheStatus(stale), yield* stale.text], ["hit; detail=stale", "v1"])
        const error = yield* Effect.flip(cached.get(`${url}/other`))
        assert.strictEqual(error._tag, "HttpClientError")
      }))

    test("what a redirect led to is not stored under the first URL", () =>
      Effect.gen(function* () {
        const cached = yield* Effect.map(cachedClient(), HttpClient.followRedirects())
        const plain = yield* cachedClient({ prefix: "plain:" })
        const { requests, url } = yield* startOrigin((request, response, count) => {
          if (request.url === "/target") saying({ "cache-control": "max-age=60" })(request, response, count)
          else response.writeHead(302, { location: "/target" }).end()
        })
        for (const client of [cached, plain]) {
          for (let round = 0; round < 2; round++) yield* Effect.flatMap(client.get(`${url}/a`), textOf)
        }
        assert.isAtLeast(requests.filter((request) => request.url === "/a").length, 4)
      }))

    test("what is larger than may be stored is streamed, whole; a change forgets the page", () =>
      Effect.gen(function* () {
        const cached = yield* cachedClient({ maxBodyBytes: 100_000 })
        const chunk = Buffer.alloc(50_000, "x")
        for (const announced of [true, false]) {
          const { requests, url } = yield* startOrigin((_, response) => {
            response.writeHead(200, {
              "cache-control": "max-age=60",
              ...(announced ? { "content-length": `${chunk.length * 20}` } : {})
            })
            let sent = 0
            const more = (): void => {
              if (sent++ === 20) return void response.end()
              response.write(chunk)
              setTimeout(more, 2)
            }
            more()
          })
          for (let round = 1; round <= 2; round++) {
            const response = yield* cached.get(url)
            const length = yield* Stream.runFold(
              response.stream,
              () => 0,
              (sum, part) => sum + part.length
            )
            assert.strictEqual(length, 1_000_000)
            assert.strictEqual(requests.length, round)
          }
        }
        const { requests, url } = yield* startOrigin(saying({ "cache-control": "max-age=60" }))
        yield* cached.get(url)
        yield* cached.get(url)
        assert.strictEqual(requests.length, 1)
        yield* cached.post(url)
        yield* cached.get(url)
        assert.strictEqual(requests.length, 3)
      }))
  })
}
