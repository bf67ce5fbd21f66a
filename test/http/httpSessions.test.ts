/** Sessions of requests: their cookie, their settings, requests that overlap, outages. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Context, Deferred, Effect, Exit, Layer, Option, Redacted, Schema, Scope } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { CacheLive, CacheMemory, CacheService, IgnoreExceptions, ValkeyMemory } from "effect-vcache"
import { HttpSessions } from "effect-vcache/http"
import { Faults } from "effect-vcache/testing"
import { browserOf } from "../support/browser.ts"

const scope = Scope.makeUnsafe()
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** Services that last as long as these tests. */
const built = <A, E>(layer: Layer.Layer<A, E>) => Effect.runPromise(Scope.provide(Layer.build(layer), scope))

const secret = Redacted.make("0123456789abcdef0123456789abcdef")
const older = Redacted.make("fedcba9876543210fedcba9876543210")

class Visit extends HttpSessions.Service<Visit>()("test/Visit", {
  data: Schema.Struct({ user: Schema.String, visits: Schema.Int }),
  secrets: [secret, older]
}) {}

const sessionRoutes = HttpRouter.addAll([
  HttpRouter.route("GET", "/plain", Effect.succeed(HttpServerResponse.text("nobody asked"))),
  HttpRouter.route(
    "GET",
    "/",
    Effect.gen(function* () {
      const visit = yield* Visit
      const found = yield* Effect.orDie(visit.get)
      const data = { user: "guest", visits: 1 + (Option.getOrUndefined(found)?.visits ?? 0) }
      yield* Effect.orDie(visit.set(data))
      return HttpServerResponse.text(String(data.visits))
    })
  ),
  HttpRouter.route(
    "GET",
    "/login",
    Effect.gen(function* () {
      const visit = yield* Visit
      return HttpServerResponse.text(String(yield* Effect.orDie(visit.cycle)))
    })
  ),
  HttpRouter.route(
    "GET",
    "/logout",
    Effect.gen(function* () {
      const visit = yield* Visit
      yield* Effect.orDie(visit.destroy)
      return HttpServerResponse.text("bye")
    })
  ),
  HttpRouter.route(
    "GET",
    "/fails",
    Effect.gen(function* () {
      const visit = yield* Visit
      yield* Effect.orDie(visit.set({ user: "kept", visits: 100 }))
      return yield* Effect.die("no")
    })
  )
]).pipe(Layer.provide(Visit.layer))

describe("sessions", () => {
  it("a cookie that is signed, and hidden from scripts; data that lasts", async () => {
    const { ask, cookie, dispose } = await browserOf(sessionRoutes)
    const first = await ask("/")
    assert.strictEqual(await first.text(), "1")
    const set = first.headers.get("set-cookie") ?? ""
    for (const part of [
      /^session=[\w-]{43}\.[\w-]{43};/,
      /HttpOnly/i,
      /Secure/i,
      /SameSite=Lax/i,
      /Path=\//i,
      /Max-Age=\d+/i
    ]) {
      assert.match(set, part)
    }
    assert.strictEqual(first.headers.get("cache-control"), "private, no-cache")
    assert.match(first.headers.get("vary") ?? "", /Cookie/)
    assert.strictEqual(await (await ask("/")).text(), "2")
    const before = cookie()
    assert.strictEqual(await (await ask("/login")).text(), "true")
    assert.notStrictEqual(cookie(), before)
    assert.strictEqual(await (await ask("/")).text(), "3")
    await ask("/logout")
    assert.isUndefined(cookie())
    assert.strictEqual(await (await ask("/")).text(), "1")
    await dispose()
  })

  it("ends with the browser where it is told to; without one there is nothing to cycle or to destroy", async () => {
    class Tab extends HttpSessions.Service<Tab>()("test/Tab", {
      data: Schema.Int,
      secrets: [secret],
      expiry: "browser"
    }) {}
    const route = (
      path: `/${string}`,
      act: (tab: HttpSessions.RequestSession<number>) => Effect.Effect<unknown, unknown>
    ) =>
      HttpRouter.route(
        "GET",
        path,
        Tab.use((tab) => Effect.map(Effect.orDie(act(tab)), (done) => HttpServerResponse.text(String(done))))
      )
    const { ask, dispose } = await browserOf(
      HttpRouter.addAll([
        route("/cycle", ({ cycle }) => cycle),
        route("/destroy", ({ destroy }) => destroy),
        route("/set", ({ set }) => set(1))
      ]).pipe(Layer.provide(Tab.layer))
    )
    for (const path of ["/cycle", "/destroy"]) {
      const response = await ask(path)
      assert.deepStrictEqual(
        [await response.text(), response.headers.get("set-cookie")],
        [path === "/cycle" ? "false" : "undefined", null]
      )
    }
    const set = (await ask("/set")).headers.get("set-cookie") ?? ""
    assert.match(set, /^session=/)
    assert.notMatch(set, /max-age|expires/i)
    await dispose()
  })

  it("costs nothing where nobody asks", async () => {
    const { ask, dispose } = await browserOf(sessionRoutes)
    const { headers } = await ask("/plain")
    assert.isNull(headers.get("set-cookie"))
    assert.isNull(headers.get("vary"))
    await dispose()
  })

  it("a cookie that was forged, or whose session is gone, is none", async () => {
    const { ask, cookie, dispose, setCookie } = await browserOf(sessionRoutes)
    await ask("/")
    const [id = ""] = (cookie() ?? "").split(".")
    for (const forged of [`${id}.AAAA`, `${id}`, "session=", "session=a.b"]) {
      setCookie(forged)
      assert.strictEqual(await (await ask("/")).text(), "1", forged)
    }
    await dispose()
  })

  it("varies by cookie, beside what the handler says", async () => {
    const varying = (path: `/${string}`, vary: string) =>
      HttpRouter.route(
        "GET",
        path,
        Effect.gen(function* () {
          yield* Effect.orDie((yield* Visit).get)
          return HttpServerResponse.text("", { headers: { vary } })
        })
      )
    const { ask, dispose } = await browserOf(
      HttpRouter.addAll([
        varying("/like", "X-Cookie-Law"),
        varying("/cookie", "Accept, COOKIE"),
        varying("/star", "*")
      ]).pipe(Layer.provide(Visit.layer))
    )
    for (const [path, vary] of [
      ["/like", "X-Cookie-Law, Cookie"],
      ["/cookie", "Accept, COOKIE"],
      ["/star", "*"]
    ] as const) {
      assert.strictEqual((await ask(path)).headers.get("vary"), vary)
    }
    await dispose()
  })

  it("data of an older schema is a typed error, and can be begun anew", async () => {
    class Older extends HttpSessions.Service<Older>()("test/Older", { data: Schema.String, secrets: [secret] }) {}
    const { ask, dispose } = await browserOf(
      Layer.mergeAll(
        HttpRouter.add(
          "GET",
          "/older",
          Effect.gen(function* () {
            yield* Effect.orDie((yield* Older).set("ada"))
            return HttpServerResponse.empty()
          })
        ).pipe(Layer.provide(Older.layer)),
        HttpRouter.add(
          "GET",
          "/",
          Effect.gen(function* () {
            const visit = yield* Visit
            const found = yield* visit.get.pipe(
              Effect.catchTag("CacheCodecError", () => Effect.as(visit.destroy, Option.none()))
            )
            const visits = Option.match(found, { onNone: () => 1, onSome: (data) => data.visits + 1 })
            yield* visit.set({ user: "ada", visits })
            return HttpServerResponse.text(String(visits))
          }).pipe(Effect.orDie)
        ).pipe(Layer.provide(Visit.layer))
      )
    )
    await ask("/older")
    assert.deepStrictEqual([await (await ask("/")).text(), await (await ask("/")).text()], ["1", "2"])
    await dispose()
  })

  it("is kept though the handler fails", async () => {
    const { ask, dispose } = await browserOf(sessionRoutes)
    assert.strictEqual((await ask("/fails")).status, 500)
    assert.strictEqual(await (await ask("/")).text(), "101")
    await dispose()
  })
})

/** A session of text, whose operations are paths: `/set/ada`. What they give or fail with is the answer. */
const textSessions = (options: Partial<HttpSessions.HttpSessionsOptions<typeof Schema.String>> = {}) => {
  class Text extends HttpSessions.Service<Text>()("test/Text", {
    data: Schema.String,
    secrets: [secret],
    ...options
  }) {}
  type Session = HttpSessions.RequestSession<string>

  const route = (path: `/${string}`, act: (session: Session, data: string) => Effect.Effect<unknown, unknown>) =>
    HttpRouter.route(
      "GET",
      path,
      Effect.gen(function* () {
        const { data = "" } = yield* HttpRouter.params
        const outcome = yield* Effect.match(act(yield* Text, data), {
          onFailure: (error) => (error instanceof Error && "_tag" in error ? error._tag : error),
          onSuccess: (given) => (Option.isOption(given) ? Option.getOrElse(given, () => "nothing") : given)
        })
        return HttpServerResponse.text(String(outcome ?? "done"))
      })
    )
  const routes = (...more: ReadonlyArray<ReturnType<typeof route>>) =>
    HttpRouter.addAll([
      route("/get", ({ get }) => get),
      route("/find", ({ find }) => Effect.map(find, ({ _tag }) => _tag)),
      route("/set/:data", ({ set }, data) => set(data)),
      route("/cycle", ({ cycle }) => cycle),
      route("/destroy", ({ destroy }) => destroy),
      ...more
    ]).pipe(Layer.provide(Text.layer))
  return { layer: Text.layer, route, routes }
}

const buildOf = (layer: Layer.Layer<never, unknown, CacheService | HttpRouter.HttpRouter>) =>
  Effect.runPromiseExit(
    Effect.scoped(Layer.build(layer.pipe(Layer.provide(HttpRouter.layer), Layer.provide(CacheMemory))))
  )

describe("settings of sessions", () => {
  const failureOf = async (options: Partial<HttpSessions.HttpSessionsOptions<typeof Schema.String>>) => {
    const exit = await buildOf(textSessions(options).routes())
    assert.notMatch(String(exit), /too short/)
    return Option.getOrUndefined(Exit.findErrorOption(exit))
  }

  it("that no browser would accept fail the layer, before there is a request", async () => {
    for (const [cookie, reason] of [
      [{ name: "a b" }, /name/],
      [{ name: "" }, /name/],
      [{ domain: "x;y" }, /domain/],
      [{ domain: "https://x.test" }, /domain/],
      [{ domain: "" }, /domain/],
      [{ path: "app" }, /path/],
      [{ path: "/;" }, /path/],
      [{ sameSite: "none", secure: false }, /sameSite none/],
      [{ sameSite: "None" as "none" }, /lax, strict or none/],
      [{ name: "__Secure-s", secure: false }, /__Secure-/],
      [{ name: "__Host-s", domain: "x.test" }, /__Host-/],
      [{ name: "__host-s", path: "/app" }, /__Host-/],
      [{ name: "__Host-s", secure: Config.succeed(false) }, /__Host-/]
    ] satisfies ReadonlyArray<readonly [HttpSessions.HttpSessionsOptions<typeof Schema.String>["cookie"], RegExp]>) {
      const error = await failureOf({ cookie })
      assert.deepInclude(error, { _tag: "CacheInputError", operation: "HttpSessions" })
      assert.match(String(error), reason)
    }
    for (const options of [
      { secrets: [secret, Redacted.make("too short")] },
      { secrets: Redacted.make("too short") },
      { timeToLive: Number.NaN },
      { handover: "Infinity" }
    ] satisfies ReadonlyArray<Partial<HttpSessions.HttpSessionsOptions<typeof Schema.String>>>) {
      assert.deepInclude(await failureOf(options), { _tag: "CacheInputError" })
    }
    for (const cookie of [
      { name: "__Host-s" },
      { domain: ".shop.example", sameSite: "strict" },
      { domain: "localhost", path: "/app" },
      { sameSite: "none" }
    ] satisfies ReadonlyArray<HttpSessions.HttpSessionsOptions<typeof Schema.String>["cookie"]>) {
      assert.isUndefined(await failureOf({ cookie }))
    }
  })

  it("come from the configuration, too", async () => {
    const { routes } = textSessions({
      secrets: Config.all([Config.Redacted("SECRET"), Config.Redacted("OLDER")]),
      cookie: { secure: Config.Boolean("SECURE") },
      timeToLive: Config.Duration("LIFETIME"),
      expiry: "fixed"
    })
    const configured = (env: Readonly<Record<string, string>>) =>
      routes().pipe(
        Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...env } })))
      )
    const env = { SECRET: "s".repeat(32), OLDER: "o".repeat(32), SECURE: "false", LIFETIME: "90 seconds" }
    const { ask, dispose } = await browserOf(configured(env))
    const cookie = (await ask("/set/ada")).headers.get("set-cookie")
    assert.include(cookie, "Max-Age=90;")
    assert.notInclude(cookie, "Secure")
    assert.strictEqual(await (await ask("/get")).text(), "ada")
    await dispose()
    const { LIFETIME: _, ...less } = env
    const unset = await buildOf(configured(less))
    assert.deepInclude(Option.getOrUndefined(Exit.findErrorOption(unset)), { _tag: "ConfigError" })
    const short = await buildOf(configured({ ...env, OLDER: "too short" }))
    assert.notMatch(String(short), /too short/)
    assert.deepInclude(Option.getOrUndefined(Exit.findErrorOption(short)), { _tag: "CacheInputError" })
  })
})

describe("the cookie", () => {
  it("is written by what begins, cycles or ends a session, and by nothing else", async () => {
    for (const [expiry, maxAge] of [
      ["sliding", "34560000"],
      ["fixed", "60"]
    ] as const) {
      const { ask, dispose, setCookie } = await browserOf(textSessions({ expiry, timeToLive: "1 minute" }).routes())
      const written = async (path: string) =>
        /Max-Age=(\d+)/.exec((await ask(path)).headers.get("set-cookie") ?? "")?.[1]
      assert.strictEqual(await written("/set/ada"), maxAge)
      for (const path of ["/get", "/find", "/set/eve"]) assert.isUndefined(await written(path))
      assert.strictEqual(await written("/cycle"), maxAge)
      assert.strictEqual(await written("/destroy"), "0")
      for (const cookie of ["session=foreign", "session=a.b"]) {
        setCookie(cookie)
        for (const path of ["/get", "/cycle"]) assert.isUndefined(await written(path))
        assert.strictEqual(await written("/destroy"), "0")
      }
      await dispose()
    }
  })

  it("has one valid text for each signature", async () => {
    const { ask, cookie, dispose, setCookie } = await browserOf(textSessions({ secrets: [secret, older] }).routes())
    await ask("/set/ada")
    const good = cookie() ?? ""
    const last = good.at(-1) ?? ""
    // The last character carries two bits that decoders drop.
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    const twin = good.slice(0, -1) + alphabet[alphabet.indexOf(last) ^ 1]
    for (const other of [
      `${good}=`,
      `${good}!!`,
      `${good}.more`,
      `${good}.`,
      `${good}%20`,
      twin,
      good.replace(".", "..")
    ]) {
      setCookie(other)
      assert.strictEqual(await (await ask("/find")).text(), "Missing", other)
    }
    setCookie(good)
    assert.strictEqual(await (await ask("/find")).text(), "Found")
    await dispose()
  })

  it("is signed anew after a rotation, unless the session has ended meanwhile", async () => {
    for (const expiry of ["sliding", "fixed"] as const) {
      const cache = Layer.succeedContext(await built(CacheMemory))
      const before = await browserOf(textSessions({ expiry, secrets: [older] }).routes(), cache)
      await before.ask("/set/ada")
      const old = before.cookie()

      const gate = Deferred.makeUnsafe<void>()
      const { route, routes } = textSessions({ expiry, secrets: [secret, older] })
      const after = await browserOf(
        routes(route("/slow", ({ get }) => Effect.tap(get, () => Deferred.await(gate)))),
        cache
      )
      after.setCookie(old)
      const slow = after.send("/slow")
      const renewed = await after.ask("/get")
      assert.strictEqual(await renewed.text(), "ada")
      assert.match(
        renewed.headers.get("set-cookie") ?? "",
        expiry === "fixed" ? /Max-Age=1\d{6};/ : /Max-Age=34560000;/
      )
      assert.notStrictEqual(after.cookie(), old)
      assert.strictEqual(after.cookie()?.split(".")[0], old?.split(".")[0])
      const again = await after.ask("/get")
      assert.deepStrictEqual([await again.text(), again.headers.get("set-cookie")], ["ada", null])
      await after.ask("/cycle")
      Deferred.doneUnsafe(gate, Exit.void)
      assert.isNull((await slow).headers.get("set-cookie"), "the login's stays")
      await before.dispose()
      await after.dispose()
    }
  })
})

describe("requests that overlap", () => {
  const slowApplication = async () => {
    const gates = { slow: Deferred.makeUnsafe<void>() }
    const { route, routes } = textSessions()
    const browser = await browserOf(
      routes(
        route("/slow", ({ get, set }) =>
          Effect.flatMap(get, (found) =>
            Effect.andThen(Deferred.await(gates.slow), set(`${Option.getOrElse(found, () => "nobody")} and tea`))
          )
        ),
        route("/login/:data", ({ cycle, set }, data) => Effect.andThen(cycle, set(data))),
        route("/begin-anew/:data", ({ destroy, set }, data) =>
          Effect.catch(set(data), () => Effect.andThen(destroy, set(data)))
        ),
        route("/both", ({ set }) => Effect.all([set("one"), set("two")], { concurrency: 2 }))
      )
    )
    const text = async (path: string) => (await browser.ask(path)).text()
    return { ...browser, text, open: () => Deferred.doneUnsafe(gates.slow, Exit.void) }
  }

  it("a slow one does not undo a logout", async () => {
    const { dispose, open, send, take, text } = await slowApplication()
    await text("/login/ada")
    const slow = send("/slow")
    await text("/destroy")
    open()
    const answered = await slow
    assert.deepStrictEqual([await answered.clone().text(), answered.headers.get("set-cookie")], ["SessionEnded", null])
    take(answered)
    assert.strictEqual(await text("/get"), "nothing")
    await dispose()
  })

  it("a guest's, whenever it is answered, does not take a login away", async () => {
    const { cookie, dispose, open, send, setCookie, take, text } = await slowApplication()
    await text("/set/guest")
    const guest = cookie()
    const slow = send("/slow")
    await text("/login/ada")
    const member = cookie()
    setCookie(guest)
    const late = [await send("/get"), await send("/find"), await send("/set/x"), await send("/cycle")]
    setCookie(member)
    open()
    const texts = []
    for (const answer of [await slow, ...late]) {
      assert.isNull(answer.headers.get("set-cookie"))
      texts.push(await take(answer).text())
    }
    assert.deepStrictEqual(texts, ["SessionEnded", "nothing", "Ended", "SessionEnded", "false"])
    assert.strictEqual(await text("/get"), "ada")
    // The login's answer was lost on its way: the browser has but the old cookie.
    setCookie(guest)
    assert.strictEqual(await text("/set/ada"), "SessionEnded")
    assert.strictEqual(await text("/begin-anew/ada"), "done")
    assert.strictEqual(await text("/get"), "ada")
    await dispose()
  })

  it("what one request does at once is one session", async () => {
    const { cookie, dispose, text } = await slowApplication()
    await text("/both")
    assert.match(await text("/get"), /one|two/)
    assert.isDefined(cookie())
    await dispose()
  })
})

describe("an outage", () => {
  const faulty = async (policies: Parameters<typeof CacheLive.layer>[0]) => {
    const services = await built(
      CacheLive.layer(policies).pipe(Layer.provideMerge(Faults.layer), Layer.provide(ValkeyMemory.layer()))
    )
    const faults = Context.get(services, Faults.Faults)
    const { route, routes } = textSessions()
    const browser = await browserOf(
      routes(
        route("/careless/:data", ({ get, set }, data) =>
          Effect.andThen(
            Effect.orElseSucceed(get, () => Option.none()),
            Effect.andThen(faults.clear, set(data))
          )
        )
      ),
      Layer.succeedContext(services)
    )
    const text = async (path: string) => {
      const response = await browser.ask(path)
      return [await response.text(), response.headers.get("set-cookie")]
    }
    return { ...browser, faults, text, keys: () => Effect.runPromise(Context.get(services, CacheService).keys()) }
  }

  it("under IgnoreExceptions nobody is signed out: not known is not none", async () => {
    const { cookie, dispose, faults, setCookie, text } = await faulty({
      policies: [IgnoreExceptions.policy({ log: false })]
    })
    await text("/set/ada")
    const before = cookie()
    await Effect.runPromise(faults.set({ failure: "timeout" }))
    for (const [path, answer] of [
      ["/get", "nothing"],
      ["/find", "Unknown"],
      ["/set/eve", "SessionUnknown"],
      ["/cycle", "SessionUnknown"],
      // A logout that is none is told.
      ["/destroy", "CacheTimeoutError"]
    ] as const) {
      assert.deepStrictEqual(await text(path), [answer, null], path)
    }
    assert.deepStrictEqual(await text("/careless/eve"), ["SessionUnknown", null])
    assert.strictEqual(cookie(), before)
    assert.deepStrictEqual(await text("/get"), ["ada", null])
    await Effect.runPromise(faults.set({ failure: "refused" }))
    setCookie(undefined)
    assert.deepStrictEqual(await text("/set/ada"), ["CacheConnectionError", null])
    await dispose()
  })

  it("without a policy is an error, and a handler that goes on all the same replaces no session", async () => {
    const { dispose, faults, text } = await faulty({})
    await text("/set/ada")
    await Effect.runPromise(faults.set({ failure: "refused" }))
    for (const path of ["/get", "/find", "/set/eve", "/cycle", "/destroy"]) {
      assert.deepStrictEqual(await text(path), ["CacheConnectionError", null], path)
    }
    assert.deepStrictEqual(await text("/careless/eve"), ["SessionUnknown", null])
    assert.deepStrictEqual(await text("/get"), ["ada", null])
    await dispose()
  })

  it("in the middle of a cycle leaves no second session, and the first where it was not ended", async () => {
    const { cookie, dispose, faults, keys, setCookie, text } = await faulty({})
    let sessions = 0
    for (const [commands, failure, left] of [
      [["SET"], "refused", "ada"],
      [["SET"], "lostReply", "ada"],
      [["session.end"], "timeout", "ada"],
      [["session.end"], "lostReply", "nothing"]
    ] as const) {
      setCookie(undefined)
      await text("/set/ada")
      const before = cookie()
      await Effect.runPromise(faults.set({ commands, failure }))
      assert.match(String((await text("/cycle"))[0]), /^Cache(Connection|Timeout)Error$/)
      await Effect.runPromise(faults.clear)
      assert.strictEqual(cookie(), before)
      assert.deepStrictEqual(await text("/get"), [left, null])
      assert.strictEqual((await keys()).length, ++sessions)
    }
    await dispose()
  })
})
