/** How long pages are fresh, stale and kept: RFC 9111, RFC 5861 and RFC 9213 through the router. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { CacheMemory } from "effect-vcache"
import { httpDateIn, type Page, pagesOf, saying } from "../support/httpPages.ts"

/** What runs in the background. */
const background = Effect.yieldNow.pipe(Effect.repeat({ times: 50 }))

const control = (value: string) => saying({ "cache-control": value })

/** Whether a second request is answered from the cache. */
const isStored = (page: Page, options = {}) =>
  Effect.gen(function* () {
    const { ask } = yield* pagesOf(page, options)
    const first = yield* ask()
    return (yield* ask()).text === first.text
  })

describe("stale pages", () => {
  it.effect("stale-while-revalidate: one stale answer, and a new page in the background", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf(control("max-age=1, stale-while-revalidate=60"))
      assert.strictEqual((yield* ask()).text, "v1")
      yield* TestClock.adjust("2 seconds")
      const stale = yield* ask()
      assert.deepStrictEqual([stale.text, stale.cached, stale.headers.get("age")], ["v1", "hit; detail=stale", "2"])
      yield* background
      assert.strictEqual((yield* ask()).text, "v2")
      assert.strictEqual(calls(), 2)
      yield* TestClock.adjust("62 seconds")
      assert.strictEqual((yield* ask()).text, "v3")
    })
  )

  it.effect("what the cache says of its lookups concerns no page", () =>
    Effect.gen(function* () {
      const lookup = {
        staleFor: "1 hour",
        softTimeout: "1 hour",
        errorBackoff: "1 hour",
        earlyRefresh: { _tag: "fraction", of: 0.01 }
      } as const
      const { ask, calls } = yield* pagesOf(control("max-age=10"), {}, CacheMemory.layer({ lookup }).pipe(Layer.orDie))
      assert.strictEqual((yield* ask()).text, "v1")
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual((yield* ask()).text, "v1")
      yield* background
      assert.strictEqual(calls(), 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* ask()).text, "v2")
    })
  )

  it.effect("stale-if-error: the handler is asked, and the old page is served only if that fails", () =>
    Effect.gen(function* () {
      let fails: "dies" | "says 503" | "says 404" | undefined
      const { ask } = yield* pagesOf((_, count) => {
        if (fails === "dies") return Effect.die("down")
        if (fails === "says 503") return Effect.succeed(HttpServerResponse.empty({ status: 503 }))
        if (fails === "says 404") return Effect.succeed(HttpServerResponse.empty({ status: 404 }))
        return Effect.succeed(
          HttpServerResponse.text(`v${count}`, { headers: { "cache-control": "max-age=1, stale-if-error=60" } })
        )
      })
      assert.strictEqual((yield* ask()).text, "v1")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* ask()).text, "v2")
      yield* TestClock.adjust("2 seconds")
      for (const failure of ["dies", "says 503"] as const) {
        fails = failure
        const stale = yield* ask()
        assert.deepStrictEqual([stale.text, stale.cached], ["v2", "hit; detail=stale"], failure)
      }
      fails = undefined
      assert.strictEqual((yield* ask()).text, "v5", "as soon as the handler answers again")
      yield* TestClock.adjust("62 seconds")
      fails = "dies"
      assert.strictEqual((yield* ask()).status, 500, "the window is over")
      fails = undefined
      yield* ask()
      yield* TestClock.adjust("2 seconds")
      fails = "says 404"
      assert.strictEqual((yield* ask()).status, 404, "an answer is no failure")
      fails = "dies"
      assert.strictEqual((yield* ask()).status, 500, "and replaces what was stored")
    })
  )

  it.effect("what one visitor is told takes nothing from the others", () =>
    Effect.gen(function* () {
      let isDown = false
      const { ask } = yield* pagesOf(({ headers }, count) =>
        isDown
          ? Effect.die("down")
          : Effect.succeed(
              HttpServerResponse.text(`${headers["cookie"] ?? "all"} v${count}`, {
                headers: { "cache-control": "max-age=1, stale-if-error=60", etag: '"one"' }
              })
            )
      )
      yield* ask()
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* ask({ cookie: "a=b" })).text, "a=b v2")
      isDown = true
      assert.strictEqual((yield* ask()).text, "all v1")
    })
  )

  for (const said of [
    "s-maxage=1",
    "max-age=1, must-revalidate",
    "max-age=1,\tmust-revalidate",
    "max-age=1,must-revalidate, stale-if-error=60, stale-while-revalidate=60",
    "Max-Age=1 ,  Proxy-Revalidate",
    "s-maxage=1, stale-while-revalidate=60",
    "max-age=1, no-cache"
  ]) {
    it.effect(`${JSON.stringify(said)} is never served stale`, () =>
      Effect.gen(function* () {
        let isDown = false
        const { ask } = yield* pagesOf(
          (request, count) => (isDown ? Effect.die("down") : control(said)(request, count)),
          { staleFor: "1 hour" }
        )
        assert.strictEqual((yield* ask()).text, "v1")
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* ask()).text, "v2")
        yield* TestClock.adjust("2 seconds")
        isDown = true
        assert.strictEqual((yield* ask()).status, 500)
      })
    )
  }

  it.effect("staleFor and staleIfError count where the response says nothing of it", () =>
    Effect.gen(function* () {
      let isDown = false
      const options = { staleFor: "10 seconds", staleIfError: "1 minute" } as const
      const { ask } = yield* pagesOf(
        (request, count) => (isDown ? Effect.die("down") : control("max-age=1")(request, count)),
        options
      )
      yield* ask()
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* ask()).cached, "hit; detail=stale")
      yield* background
      isDown = true
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([(yield* ask()).text, (yield* ask()).cached], ["v2", "hit; detail=stale"])
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual((yield* ask()).status, 500)
    })
  )

  it.effect("a client that says how old it may be gets no stale one", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf(control("max-age=1, stale-while-revalidate=60"))
      for (const limit of ["max-age=0", "max-age=10", "min-fresh=0", "no-cache"]) {
        const before = (yield* ask()).text
        yield* TestClock.adjust("2 seconds")
        const called = calls()
        assert.notStrictEqual((yield* ask({ "cache-control": limit })).text, before, limit)
        assert.strictEqual(calls(), called + 1, limit)
      }
    })
  )
})

it.effect("Cache-Status says why the handler was asked (RFC 9211)", () =>
  Effect.gen(function* () {
    const { ask } = yield* pagesOf((request, count) =>
      Effect.succeed(
        request.headers["if-none-match"] === '"same"'
          ? HttpServerResponse.empty({ status: 304, headers: { etag: '"same"' } })
          : HttpServerResponse.text(`v${count}`, {
              headers: {
                "cache-control": "max-age=10, stale-if-error=60",
                vary: "x-lang",
                ...(request.headers["x-lang"] === "en" ? { etag: '"same"' } : {})
              }
            })
      )
    )
    const why = (headers?: Record<string, string>) => Effect.map(ask(headers), ({ cached }) => cached)
    const en = { "x-lang": "en" }
    assert.strictEqual(yield* why(), "fwd=uri-miss; stored")
    assert.strictEqual(yield* why(), "hit")
    assert.strictEqual(yield* why({ "cache-control": "no-cache" }), "fwd=request; stored")
    assert.strictEqual(yield* why(en), "fwd=vary-miss; stored")
    assert.strictEqual(yield* why({ ...en, "cache-control": "max-age=0" }), "hit")
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* why({ ...en, "cache-control": "max-age=0" }), "fwd=request; fwd-status=304; stored")
    yield* TestClock.adjust("11 seconds")
    assert.strictEqual(yield* why(), "fwd=stale; stored")
    assert.strictEqual(yield* why(en), "fwd=stale; fwd-status=304; stored")
  })
)

describe("validation", () => {
  it.effect("a stale page is validated by its handler's own ETag or date, and keeps its body", () =>
    Effect.gen(function* () {
      const { ask, requests } = yield* pagesOf((request, count) =>
        Effect.succeed(
          request.headers["if-none-match"] === '"one"'
            ? HttpServerResponse.empty({ status: 304, headers: { etag: '"one"', "x-count": `${count}` } })
            : HttpServerResponse.text(`v${count}`, { headers: { "cache-control": "max-age=1", etag: '"one"' } })
        )
      )
      yield* ask()
      yield* TestClock.adjust("2 seconds")
      const confirmed = yield* ask({ "if-none-match": '"another"' })
      assert.deepStrictEqual(
        [confirmed.status, confirmed.text, confirmed.cached, confirmed.headers.get("x-count")],
        [200, "v1", "fwd=stale; fwd-status=304; stored", "2"]
      )
      assert.strictEqual(requests[1]?.headers["if-none-match"], '"one"')
      assert.strictEqual((yield* ask()).cached, "hit")
      assert.strictEqual((yield* ask({ "cache-control": "no-cache" })).text, "v1", "also where the client asks for it")
      assert.strictEqual(requests.length, 3)
    })
  )

  it.effect("a handler is not asked for an ETag that it does not know; a 304 of another page confirms nothing", () =>
    Effect.gen(function* () {
      const plain = yield* pagesOf(control("max-age=1, stale-if-error=60"))
      yield* plain.ask()
      yield* TestClock.adjust("2 seconds")
      yield* plain.ask()
      assert.isUndefined(plain.requests[1]?.headers["if-none-match"])
      const wrong = yield* pagesOf((request, count) =>
        Effect.succeed(
          request.headers["if-none-match"] === undefined
            ? HttpServerResponse.text(`v${count}`, { headers: { "cache-control": "max-age=1", etag: `"${count}"` } })
            : HttpServerResponse.empty({ status: 304, headers: { etag: '"other"' } })
        )
      )
      yield* wrong.ask()
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* wrong.ask()).text, "v3")
    })
  )

  it.effect("no-cache with an ETag is stored and validated each time, one call for all who ask", () =>
    Effect.gen(function* () {
      const { ask, calls } = yield* pagesOf((request, count) =>
        Effect.as(
          Effect.sleep("1 second"),
          request.headers["if-none-match"] === '"one"'
            ? HttpServerResponse.empty({ status: 304 })
            : HttpServerResponse.text(`v${count}`, { headers: { "cache-control": "no-cache", etag: '"one"' } })
        )
      )
      for (let round = 1; round <= 3; round++) {
        yield* TestClock.adjust("1 second")
        const asking = yield* Effect.forkChild(Effect.forEach([1, 2, 3], () => ask(), { concurrency: "unbounded" }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          (yield* Fiber.join(asking)).map(({ text }) => text),
          ["v1", "v1", "v1"]
        )
        assert.strictEqual(calls(), round)
      }
    })
  )
})

describe("what is stored", () => {
  it.effect("dates are those of RFC 9110", () =>
    Effect.gen(function* () {
      const date = yield* httpDateIn(60)
      const [, day = "", month = "", year = "", time = ""] = /, (\d\d) (\w{3}) (\d{4}) (\S+)/.exec(date) ?? []
      const dayName = date.slice(0, 3)
      const long = {
        Thu: "Thursday",
        Fri: "Friday",
        Wed: "Wednesday",
        Tue: "Tuesday",
        Mon: "Monday",
        Sat: "Saturday",
        Sun: "Sunday"
      }[dayName]
      const isFresh = (expires: string) => isStored(saying({ expires }))
      for (const good of [
        date,
        date.toUpperCase(),
        `${long}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
        `${dayName} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`
      ]) {
        assert.isTrue(yield* isFresh(good), good)
      }
      for (const bad of [
        date.replace("GMT", "UTC"),
        date.replace(",", ""),
        date.replaceAll(" ", "  "),
        `${dayName}, ${day}-${month}-${year} ${time} GMT`,
        date.replace(/(\d\d):(\d\d):/, "$1.$2."),
        date.replace(/ \d\d:/, " 25:"),
        `${date}, ${date}`,
        "2050-01-01T00:00:00Z",
        "0",
        ""
      ]) {
        assert.isFalse(yield* isFresh(bad), bad)
      }
    })
  )

  it.effect("numbers of seconds are clamped, and what is none is zero", () =>
    Effect.gen(function* () {
      for (const good of [
        "max-age=2147483648",
        "max-age=99999999999999999999",
        "max-age=0060",
        'max-age="60"',
        'x="a, max-age=0", max-age=60'
      ]) {
        assert.isTrue(yield* isStored(control(good)), good)
      }
      for (const bad of [
        "max-age=-60",
        "max-age='60'",
        "max-age=60.5",
        "max-age",
        "max-age=60, max-age=0",
        "max-age=60, no-store"
      ]) {
        assert.isFalse(yield* isStored(control(bad)), bad)
      }
    })
  )

  it.effect("Age is what the maker says and never below zero", () =>
    Effect.gen(function* () {
      const { ask } = yield* pagesOf(() =>
        Effect.as(
          Effect.sleep("3 seconds"),
          HttpServerResponse.text("x", { headers: { "cache-control": "max-age=60" } })
        )
      )
      for (const asked of ["", "no-cache"]) {
        const asking = yield* Effect.forkChild(ask({ "cache-control": asked }))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(asking)).headers.get("age"), "0")
      }
      const old = yield* pagesOf(saying({ "cache-control": "max-age=60", age: "30" }))
      assert.strictEqual((yield* old.ask()).headers.get("age"), "30")
      const over = yield* pagesOf(saying({ "cache-control": "max-age=60", age: "61" }))
      yield* over.ask()
      assert.isUndefined((yield* over.ask()).cached)
    })
  )

  it.effect("timeToLive and heuristics are for responses that say nothing, with statuses that may be guessed", () =>
    Effect.gen(function* () {
      const modified = yield* httpDateIn(-1000)
      const own = { timeToLive: "1 minute" } as const
      for (const status of [200, 203, 301, 308, 404, 410])
        assert.isTrue(yield* isStored(saying({}, status), own), `${status}`)
      for (const status of [201, 302, 403, 500, 503])
        assert.isFalse(yield* isStored(saying({}, status), own), `${status}`)
      for (const headers of [
        { "cache-control": "private" },
        { "cache-control": "no-store" },
        { expires: "0" },
        { "set-cookie": "a=b" }
      ]) {
        assert.isFalse(yield* isStored(saying(headers), own), JSON.stringify(headers))
      }
      const guessed = { heuristics: true }
      assert.isTrue(yield* isStored(saying({ "last-modified": modified }), guessed))
      assert.isFalse(yield* isStored(saying({ "last-modified": modified })))
      const { ask } = yield* pagesOf(saying({ "last-modified": modified }), guessed)
      yield* ask()
      yield* TestClock.adjust("99 seconds")
      assert.strictEqual((yield* ask()).cached, "hit")
      yield* TestClock.adjust("2 seconds")
      assert.notStrictEqual((yield* ask()).cached, "hit")
    })
  )

  it.effect("CDN-Cache-Control counts in place of Cache-Control and Expires, where it is well formed", () =>
    Effect.gen(function* () {
      const cdn = (cdn: string, control: string) =>
        isStored(saying({ "cdn-cache-control": cdn, "cache-control": control }))
      assert.isTrue(yield* cdn("max-age=60", "no-store"))
      assert.isTrue(yield* cdn("max-age=60, no-store=?0", "max-age=0"))
      for (const said of ["max-age=0", "no-store", "private", "no-cache", 'max-age="60"']) {
        assert.isFalse(yield* cdn(said, "max-age=60"), said)
      }
      for (const malformed of ["", "max-age=60, &&", "MAX-AGE=0", "max-age =0"]) {
        assert.isTrue(yield* cdn(malformed, "max-age=60"), malformed)
        assert.isFalse(yield* cdn(malformed, "no-store"), malformed)
      }
    })
  )

  it.effect("headers of one connection are not stored, nor those that Connection names", () =>
    Effect.gen(function* () {
      const { ask } = yield* pagesOf(
        saying({
          "cache-control": "max-age=60",
          connection: "secret-hop",
          "secret-hop": "1",
          "proxy-authenticate": "Basic",
          "keep-alive": "timeout=99",
          "x-kept": "1"
        })
      )
      yield* ask()
      const { cached, headers } = yield* ask()
      assert.strictEqual(cached, "hit")
      for (const name of ["connection", "secret-hop", "proxy-authenticate", "keep-alive"])
        assert.isNull(headers.get(name))
      assert.strictEqual(headers.get("x-kept"), "1")
    })
  )
})

describe("waiting", () => {
  it.effect("a slow call holds others up as long as waitFor says; then they make their own", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { ask, calls } = yield* pagesOf(
        (request, count) =>
          Effect.as(
            request.headers["x-slow"] === undefined ? Effect.void : Deferred.await(gate),
            HttpServerResponse.text(`v${count}`, { headers: { "cache-control": "max-age=60" } })
          ),
        { waitFor: "5 seconds" }
      )
      const slow = yield* Effect.forkChild(ask({ "x-slow": "1" }))
      yield* background
      const waiting = yield* Effect.forkChild(ask())
      yield* background
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(calls(), 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting)).text, "v2")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(slow)).text, "v1")
    })
  )
})
