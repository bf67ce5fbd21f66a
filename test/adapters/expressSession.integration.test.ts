/** The store for express-session: what its interface promises, what lifetimes mean, requests that overlap, damage, outages. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Option } from "effect"
import express, { type Express } from "express"
import session, { type SessionData } from "express-session"
import { CacheLive, CacheService, IgnoreExceptions, ValkeyMemory } from "effect-vcache"
import DefaultStore, { ExpressSessionStore } from "effect-vcache/express-session"
import { Faults } from "effect-vcache/testing"
import { startMemoryAndServer } from "../support/memoryAndServer.ts"
import { sharedInFile } from "../support/sharedInFile.ts"

const caches = await Effect.runPromise(sharedInFile(startMemoryAndServer))

const seconds = 1000
const minutes = 60 * seconds
const days = 24 * 60 * minutes

/** As express-session makes it. */
const cookieFor = (maxAge: number): session.Cookie => {
  const cookie = new session.Cookie()
  cookie.maxAge = maxAge
  return cookie
}

/** Of any store: what its callback gets. */
const asked = <A>(operation: (done: (error: unknown, found?: A) => void) => void): Promise<A | undefined> =>
  new Promise((resolve, reject) => operation((error, found) => (error ? reject(error) : resolve(found))))

type AnySession = Readonly<Record<string, unknown>> | null

/** The operations as promises, with sessions of any shape, as programs in JavaScript hand them over. */
const promised = (store: ExpressSessionStore) => ({
  get: (id: string) => asked<SessionData | null>((done) => store.get(id, done)),
  set: (id: string, session: AnySession) => asked<void>((done) => store.set(id, session as never, done)),
  touch: (id: string, session: AnySession) =>
    asked<void>((done) => store.touch(id, session as never, done as () => void)),
  destroy: (id: string) => asked<void>((done) => store.destroy(id, done)),
  all: () => asked<Record<string, SessionData>>((done) => store.all((error, found) => done(error, found ?? {}))),
  length: () => asked<number>((done) => store.length(done)),
  clear: () => asked<void>((done) => store.clear(done))
})

/** A visitor of an application, for as long as the function runs. */
const visiting = async <A>(app: Express, visit: (ask: (path: string) => Promise<string>) => Promise<A>): Promise<A> => {
  const server = app.listen(0, "127.0.0.1")
  try {
    await new Promise((resolve) => server.once("listening", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    let cookie = ""
    return await visit(async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })
      cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie
      return `${response.status === 200 ? "" : `${response.status} `}${await response.text()}`
    })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

const sessionsIn = (store: ExpressSessionStore, options: Partial<session.SessionOptions> = {}): Express =>
  express().use(session({ secret: "a secret", resave: false, saveUninitialized: false, store, ...options }))

for (const [name, cache] of [
  ["in memory", caches.memory],
  ["on a server", caches.server]
] as const) {
  const space = cache.withOptions({ prefix: "express store", jitter: 0.5 })
  const layer = Layer.succeed(CacheService, space)
  const storeOf = (prefix: string, timeToLive?: number) => new ExpressSessionStore(layer, { prefix, timeToLive })

  /** What is left of the only session, in milliseconds. */
  const left = async (prefix: string) => {
    const [key = ""] = await Effect.runPromise(space.keys(`${prefix}*`))
    const ttl = await Effect.runPromise(space.ttl(key))
    return Option.isSome(ttl) ? Duration.toMillis(ttl.value) : undefined
  }

  const assertLeft = async (prefix: string, expected: number) => {
    const millis = (await left(prefix)) ?? 0
    assert.isAtMost(millis, expected)
    assert.isAbove(millis, expected - 30 * seconds)
  }

  describe(`a store for express-session ${name}`, () => {
    it("sets, gets, lists, counts, destroys and clears the sessions of its prefix", async () => {
      assert.strictEqual(DefaultStore, ExpressSessionStore)
      const [mine, other] = [storeOf("a*:"), storeOf("a*b:")].map(promised) as [
        ReturnType<typeof promised>,
        ReturnType<typeof promised>
      ]
      const cookie = { originalMaxAge: null }
      assert.isNull(await mine.get("1"))
      for (const id of ["1", "2"]) await mine.set(id, { cookie, user: id })
      await mine.set("2", { cookie, user: "two" })
      await other.set("3", { cookie })
      assert.deepInclude(await mine.get("2"), { cookie, user: "two" } as never)
      assert.strictEqual(await mine.length(), 2)
      const all = (await mine.all()) ?? {}
      assert.sameDeepMembers(Object.values(all) as Array<unknown>, [
        { cookie, user: "1" },
        { cookie, user: "two" }
      ])
      // Names by which sessions are destroyed, and with which nobody can take them over.
      for (const named of Object.keys(all)) {
        assert.isNull(await mine.get(named))
        await mine.destroy(named)
      }
      assert.strictEqual(await mine.length(), 0)
      for (const id of ["1", "2"]) await mine.set(id, { cookie })
      await mine.destroy("1")
      await mine.destroy("1")
      assert.isNull(await mine.get("1"))
      await mine.clear()
      assert.strictEqual(await mine.length(), 0)
      assert.strictEqual(await other.length(), 1)
    })

    it("sessions live as long as their cookie, also those that get and all gave", async () => {
      const { destroy, get, set, touch } = promised(storeOf("lives:"))
      for (const maxAge of [30 * days, 10 * minutes]) {
        await set("id", { cookie: cookieFor(maxAge), user: "ada" })
        await assertLeft("lives:", maxAge)
        const found = { ...(await get("id")) }
        await touch("id", found)
        await assertLeft("lives:", maxAge)
        await set("id", { ...found, user: "eve" })
        await assertLeft("lives:", maxAge)
        await destroy("id")
      }
      await set("id", { cookie: { originalMaxAge: 5 * minutes, maxAge: 5 * minutes } })
      await assertLeft("lives:", 5 * minutes)
    })

    it("those whose cookie has no end, is none or is missing live for the time of the store", async () => {
      const { destroy, get, set, touch } = promised(storeOf("endless:", 20 * minutes))
      for (const data of [
        { cookie: { originalMaxAge: null, expires: null } },
        { cookie: { originalMaxAge: null, maxAge: false } },
        { cookie: { originalMaxAge: null, expires: "never" } },
        { cookie: new session.Cookie() },
        { cookie: "none" },
        { user: "ada" }
      ]) {
        await set("id", data)
        await assertLeft("endless:", 20 * minutes)
        await touch("id", data)
        await assertLeft("endless:", 20 * minutes)
        assert.isNotNull(await get("id"))
        await destroy("id")
      }
    })

    it("what has ended is not kept, and not found", async () => {
      const { get, length, set, touch } = promised(storeOf("past:"))
      const past = { originalMaxAge: 1000, expires: new Date(Date.now() - minutes).toISOString() }
      const future = { originalMaxAge: 1000, expires: new Date(Date.now() + minutes).toISOString() }
      for (const end of [set, touch]) {
        await set("id", { cookie: future })
        await end("id", { cookie: past })
        assert.strictEqual(await length(), 0)
      }
      // Whatever wrote it, and for how long.
      await set("id", { cookie: future })
      const [key = ""] = await Effect.runPromise(space.keys("past:*"))
      await Effect.runPromise(space.set(key, { cookie: past, user: "ada" }))
      assert.isNull(await get("id"))
    })

    it("touched, a session has the cookie of now, and is changed in nothing else", async () => {
      const { get, set, touch } = promised(storeOf("touched:"))
      await set("id", { cookie: cookieFor(minutes), user: "ada" })
      const cookie = cookieFor(30 * days)
      await touch("id", { cookie, user: "not stored" })
      assert.deepEqual(await get("id"), JSON.parse(JSON.stringify({ cookie, user: "ada" })))
      await assertLeft("touched:", 30 * days)
      for (const nothing of [null, { cookie }]) await touch("gone", nothing)
      assert.isNull(await get("gone"))
    })

    it("an entry that cannot be read is no session, and the next one takes its place", async () => {
      const store = storeOf("damaged:")
      const { all, destroy, get, length, set, touch } = promised(store)
      const cookie = cookieFor(minutes)
      await set("id", { cookie })
      await set("other", { cookie })
      const keys = await Effect.runPromise(space.keys("damaged:*"))
      for (const damage of ["{", "[1]", '"text"', "\u0001?"]) {
        for (const key of keys) {
          await Effect.runPromise(space.client.send("SET", [space.makeKey(key), damage]))
        }
        assert.isNull(await get("id"), damage)
        assert.deepStrictEqual(await all(), {})
        await touch("id", { cookie })
        await set("id", { cookie, user: "ada" })
        assert.deepInclude(await get("id"), { user: "ada" } as never)
      }
      await destroy("other")
      assert.strictEqual(await length(), 1)

      const app = sessionsIn(store)
      app.get("/set", (request, response) => {
        Reflect.set(request.session, "user", "ada")
        response.send(request.sessionID)
      })
      app.get("/user", (request, response) => response.send(String(Reflect.get(request.session, "user"))))
      await visiting(app, async (ask) => {
        for (const damage of [
          "{",
          '{"user":"ada"}',
          '{"user":"ada","cookie":7}',
          '{"user":"ada","cookie":{"maxAge":"x"}}'
        ]) {
          await destroy("id")
          const id = await ask("/set")
          await set(id, { user: "ada" })
          const [key = ""] = await Effect.runPromise(space.keys("damaged:*"))
          await Effect.runPromise(space.client.send("SET", [space.makeKey(key), damage]))
          assert.strictEqual(await ask("/user"), damage === "{" ? "undefined" : "ada", damage)
          await destroy(id)
        }
      })
    })

    it("what is no JSON is an error of the store, not of the request; a closed store says so", async () => {
      const store = storeOf("odd:")
      const { all, clear, destroy, get, length, set, touch } = promised(store)
      const endless: Record<string, unknown> = { cookie: new session.Cookie() }
      endless["self"] = endless
      assert.instanceOf(await set("1", endless).catch((error: unknown) => error), TypeError)
      await store.close()
      const data = { cookie: new session.Cookie() }
      for (const operation of [
        () => get("1"),
        () => set("1", data),
        () => touch("1", data),
        () => destroy("1"),
        all,
        length,
        clear
      ]) {
        const outcome: unknown = await operation().then(
          () => undefined,
          (error: unknown) => error
        )
        assert.isDefined(outcome)
      }
    })

    it("a slow request does not undo a logout, and requests that only look keep the visitor signed in", async () => {
      const store = storeOf("overlap:")
      const app = sessionsIn(store, { rolling: true, cookie: { maxAge: 10 * minutes } })
      const user = (request: express.Request) => String(Reflect.get(request.session, "user"))
      let open = () => {}
      let isWaiting = () => {}
      app.get("/login", (request, response) => {
        Reflect.set(request.session, "user", "ada")
        response.send("in")
      })
      app.get("/look", (request, response) => response.send(user(request)))
      app.get("/save", (request, response, next) =>
        request.session.save((error) => (error ? next(error) : response.send(user(request))))
      )
      app.get("/slow", (request, response) => {
        void new Promise<void>((resolve) => (open = resolve)).then(() => {
          Reflect.set(request.session, "cart", "tea")
          response.send(user(request))
        })
        isWaiting()
      })
      app.get("/logout", (request, response) => request.session.destroy(() => response.send("out")))

      await visiting(app, async (ask) => {
        await ask("/login")
        const expires = async () => Object.values((await promised(store).all()) ?? {})[0]?.cookie.expires
        const before = await expires()
        await new Promise((resolve) => setTimeout(resolve, 5))
        assert.strictEqual(await ask("/look"), "ada")
        assert.notStrictEqual(await expires(), before)
        assert.deepStrictEqual([await ask("/save"), await ask("/look")], ["ada", "ada"])

        const waiting = new Promise<void>((resolve) => (isWaiting = resolve))
        const slow = ask("/slow")
        await waiting
        await ask("/logout")
        open()
        assert.strictEqual(await slow, "ada")
        assert.strictEqual(await ask("/look"), "undefined")
        assert.strictEqual(await promised(store).length(), 0)
        await ask("/login")
        assert.strictEqual(await ask("/look"), "ada")
      })
    })

    it("keeps what a visitor did, and nothing that somebody could use", async () => {
      const store = storeOf("kept:")
      const app = sessionsIn(store, { cookie: { maxAge: minutes } })
      app.get("/", (request, response) => {
        const visits = Number(Reflect.get(request.session, "visits") ?? 0) + 1
        Reflect.set(request.session, "visits", visits)
        response.send(String(visits))
      })
      app.get("/id", (request, response) => response.send(request.sessionID))
      app.get("/out", (request, response) => request.session.destroy(() => response.send("bye")))
      await visiting(app, async (ask) => {
        assert.deepStrictEqual([await ask("/"), await ask("/"), await ask("/")], ["1", "2", "3"])
        const keys = await Effect.runPromise(space.keys("kept:*"))
        assert.strictEqual(keys.length, 1)
        assert.notInclude(keys[0], await ask("/id"))
        await ask("/out")
        assert.strictEqual(await ask("/"), "1")
      })
    })
  })
}

const faulty = sharedInFile(
  Effect.orDie(
    Layer.build(
      CacheLive.layer({ policies: [IgnoreExceptions.policy({ log: false })] }).pipe(
        Layer.provideMerge(Faults.layer),
        Layer.provide(ValkeyMemory.layer())
      )
    )
  )
)

it("in an outage a session is not known, which is an error, also under IgnoreExceptions", async () => {
  const services = await Effect.runPromise(faulty)
  const { destroy, get, set, touch } = promised(new ExpressSessionStore(Layer.succeedContext(services)))
  const data = { cookie: cookieFor(minutes) }
  await set("id", data)
  await Effect.runPromise(Context.get(services, Faults.Faults).set({ failure: "refused" }))
  for (const [operation, tag] of [
    [() => get("id"), "SessionUnknown"],
    [() => set("id", data), "CacheConnectionError"],
    [() => touch("id", data), "CacheConnectionError"],
    [() => destroy("id"), "CacheConnectionError"]
  ] as ReadonlyArray<readonly [() => Promise<unknown>, string]>) {
    assert.deepInclude(await operation().catch((error: unknown) => error), { _tag: tag })
  }
  await Effect.runPromise(Context.get(services, Faults.Faults).clear)
  assert.isNotNull(await get("id"))
})
