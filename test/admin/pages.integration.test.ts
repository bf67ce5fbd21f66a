/** The pages about tags, locks, sessions, servers and groups of streams, and those that delete everything: in memory, on a server, in a cluster and in a ring. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Redacted, Schema } from "effect"
import { CacheService, SessionStore } from "effect-vcache"
import { isNamed, pagesOver } from "../support/adminPages.ts"
import { adminTopologies } from "../support/adminTopologies.ts"
import { until } from "../support/until.ts"

const topologies = await Effect.runPromise(adminTopologies("--slowlog-log-slower-than", "0"))

const evil = "<script>alert(1)</script>"

describe.each(topologies)("the admin pages, %s,", (where, client) => {
  it("show what bears a tag, and invalidate it", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "pages-tags")
    for (const key of ["a", "b", "c"]) await run(cache.set(key, key, { tags: [evil, `only ${key}`] }))
    await run(cache.set("none", 1))
    const all = await (await as("viewer").ask("/cache/tags")).text()
    assert.match(all, /4 values were looked at, which are all/)
    assert.match(all, /&lt;script&gt;[^]*?<td[^>]*>3<\/td>/)
    assert.notInclude(all, evil)
    const address = `/cache/tags?${new URLSearchParams({ tag: evil }).toString()}`
    const viewed = await as("viewer").open(address)
    assert.match(viewed.page, /3 of them bear it/)
    assert.deepStrictEqual(viewed.forms, [])
    const { submit } = await as("deleter").open(address)
    assert.strictEqual((await submit("invalidate", { mode: "everything" })).status, 422)
    assert.strictEqual((await submit("invalidate", { mode: "remove" })).status, 303)
    assert.isFalse(await run(cache.has("a")))
    assert.isTrue(await run(cache.has("none")))
    assert.strictEqual(
      (await (await as("all").open(address)).submit("invalidate", { tag: "", mode: "stale" })).status,
      422
    )
    await dispose()
  })

  it("show who holds locks and permits, and release them by force", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "pages-locks")
    for (const key of ["lock<script>", "{tagged}:x"]) {
      const isHeld = await run(Deferred.make<void>())
      const holder = Effect.runFork(
        Effect.flip(
          cache
            .lock(key, { label: "web-2" })
            .withLock(Effect.andThen(Deferred.succeed(isHeld, undefined), Effect.never))
        )
      )
      await run(Deferred.await(isHeld))
      const waiter = Effect.runFork(cache.lock(key, { wait: "30 seconds" }).withLock(Effect.succeed("next")))
      await run(
        until(
          "somebody to wait",
          Effect.promise(async () => (await as("viewer").ask("/cache/locks")).text()),
          (page) => page.includes("somebody waits")
        )
      )
      const viewed = await as("viewer").open("/cache/locks")
      assert.deepStrictEqual(viewed.forms, [])
      assert.notInclude(viewed.page, "<script")
      assert.include(viewed.page, "<bdi>web-2</bdi>")
      const { submit } = await as("deleter").open("/cache/locks")
      assert.strictEqual((await as("all").open("/cache/locks")).forms.length, 1)
      assert.strictEqual((await submit("release", { mark: "x" })).status, 409)
      assert.strictEqual((await submit("release")).status, 303)
      assert.strictEqual(await run(Fiber.join(waiter)), "next")
      // It is held by nobody, or by another.
      assert.oneOf((await submit("release")).status, [409, 410])
      await run(Fiber.interrupt(holder))
    }
    const isHeld = await run(Deferred.make<void>())
    const holder = Effect.runFork(
      cache.semaphore("s", { permits: 3, label: "<b>mail</b> 2" }).withPermits(2)(
        Effect.andThen(Deferred.succeed(isHeld, undefined), Effect.never)
      )
    )
    await run(Deferred.await(isHeld))
    const { page, submit } = await as("deleter").open("/cache/locks")
    assert.include(page, "<bdi>&lt;b&gt;mail&lt;/b&gt; 2</bdi>")
    assert.strictEqual((await submit("releasePermits")).status, 303)
    assert.strictEqual(await run(cache.semaphore("s", { permits: 3 }).available), 3)
    assert.strictEqual((await submit("releasePermits")).status, 410)
    // Only those of this cache, whatever a form says.
    const other = cache.withOptions({ prefix: "other" })
    const foreign = Effect.runFork(other.lock("k").withLock(Effect.never))
    await run(until("it to be locked", other.lock("k").isLocked, (isLocked) => isLocked))
    const place = Buffer.from("{other:1:k}").toString("base64url")
    assert.strictEqual((await submit("releasePermits", { action: "release", place })).status, 404)
    assert.isTrue(await run(other.lock("k").isLocked))
    await run(Fiber.interruptAll([holder, foreign]))
    await dispose()
  })

  it("count sessions, and sign their visitors out, and never show what is in one", async () => {
    const { as, at, cache, dispose, run } = await pagesOver(client, "pages-sessions")
    for (const id of ["session:abcdefgh", "session:ijklmnop"])
      await run(cache.session(id).create({ user: "SECRET" }, "1 hour"))
    await run(cache.session("session:abcdefgh").move("session:qrstuvwx", "1 hour", "1 minute"))
    await run(cache.set("no session", 1))
    const { forms, page, submit } = await as("deleter").open("/cache/sessions")
    assert.strictEqual(forms.length, 2, "the id that was replaced is none")
    assert.match(page, /ijklmn…/)
    assert.notInclude(page, "SECRET")
    assert.notInclude(await (await as("all").ask(at("session:ijklmnop"))).text(), "SECRET")
    assert.deepStrictEqual((await as("editor").open("/cache/sessions")).forms, [])
    const k = Buffer.from("no session").toString("base64url")
    assert.strictEqual((await submit("signOut", { k })).status, 404)
    assert.isTrue(await run(cache.has("no session")))
    for (const { fields } of forms) assert.strictEqual((await submit("signOut", fields)).status, 303)
    assert.strictEqual((await run(cache.session("session:ijklmnop").find("1 hour")))._tag, "Missing")
    assert.strictEqual((await submit("signOut")).status, 410)
    await dispose()
  })

  it("list the sessions of one user by its tag, and sign that user out everywhere", async () => {
    const { as, at, cache, dispose, run } = await pagesOver(client, "pages-user")
    await run(cache.set("k", 1))
    const sessions = await run(
      SessionStore.make({
        data: Schema.Struct({ user: Schema.String }),
        expiry: "fixed",
        tags: ({ user }) => [user]
      }).pipe(Effect.provideService(CacheService, cache))
    )
    const evil = "<script>7"
    const [first, , other] = await run(Effect.forEach([evil, evil, "8"], (user) => sessions.create({ user })))
    const address = (tag: string) => `/cache/sessions?${new URLSearchParams({ tag }).toString()}`
    const { forms, page, submit } = await as("deleter").open(address(evil))
    assert.match(page, /2 keys of sessions with the tag/)
    assert.notInclude(page, "<script>")
    assert.sameMembers(
      forms.map(({ fields }) => fields["action"]),
      ["signOut", "signOut", "signOutAll"]
    )
    assert.deepStrictEqual((await as("editor").open(address(evil))).forms, [])
    assert.strictEqual((await submit("signOutAll", { tag: "" })).status, 422)
    // A token of a form does not make a right.
    const token = (await as("editor").open(at("k"))).forms[0]?.fields["token"] ?? ""
    assert.strictEqual(
      (await as("editor").send("/cache/sessions", { action: "signOutAll", tag: evil, token })).status,
      403
    )
    assert.isTrue(Option.isSome(await run(sessions.load(first?.id ?? Redacted.make("")))))
    assert.strictEqual((await submit("signOut")).status, 303)
    assert.strictEqual((await submit("signOutAll")).status, 303)
    assert.isTrue(Option.isNone(await run(sessions.load(first?.id ?? Redacted.make("")))))
    assert.isTrue(Option.isSome(await run(sessions.load(other?.id ?? Redacted.make("")))))
    const after = await as("deleter").open(address(evil))
    assert.notInclude(
      after.forms.map(({ fields }) => fields["action"]),
      "signOut"
    )
    assert.strictEqual((await as("deleter").open("/cache/sessions")).forms.length, 1, "that of the other user")
    await dispose()
  })

  it("acknowledge and claim what a group was given, where it is still with whom it was", async () => {
    const { as, at, cache, dispose, run } = await pagesOver(client, "pages-groups")
    const ids: Array<string> = []
    for (const n of [1, 2]) ids.push(Option.getOrThrow(await run(cache.stream("s").add({ n }))))
    await run(cache.client.send("XGROUP", ["CREATE", cache.makeKey("s"), "g", "0"]))
    await run(cache.client.send("XREADGROUP", ["GROUP", "g", "ann", "STREAMS", cache.makeKey("s"), ">"]))
    const [first = "", second = ""] = ids
    assert.deepStrictEqual((await as("viewer").open(at("s"))).forms, [])
    const { page, submit } = await as("editor").open(at("s"))
    assert.match(page, /To be acknowledged<\/dt>\s*<dd>2</)
    assert.strictEqual((await submit("acknowledge", {}, isNamed(first))).status, 303)
    assert.strictEqual((await submit("acknowledge", {}, isNamed(first))).status, 410)
    assert.strictEqual((await submit("claim", { to: "" }, isNamed(second))).status, 422)
    assert.strictEqual((await submit("claim", { to: "bob" }, isNamed(second))).status, 303)
    assert.strictEqual((await submit("claim", { to: "eve" }, isNamed(second))).status, 409)
    assert.strictEqual((await submit("acknowledge", {}, isNamed(second))).status, 409)
    assert.match(await (await as("viewer").ask(at("s"))).text(), /bob/)
    await dispose()
  })

  it("delete everything for those who may and type what", async () => {
    const { as, at, cache, dispose, run } = await pagesOver(client, "pages-danger")
    const other = cache.withOptions({ prefix: "pages-other" })
    const newer = cache.withOptions({ version: 2 })
    for (const one of [cache, other, newer]) await run(one.set("k", 1))
    for (const name of ["viewer", "editor", "deleter"]) {
      const { forms, page } = await as(name).open("/cache/danger")
      assert.deepStrictEqual(forms, [])
      assert.match(page, /You may not flush here/)
      assert.notMatch(await (await as(name).ask("/cache")).text(), /cache\/danger/)
    }
    const { forms, submit } = await as("all").open("/cache/danger")
    const editors = (await as("editor").open(at("k"))).forms[0]?.fields["token"]
    for (const { address, fields } of forms) {
      const typed = { ...fields, typed: "pages-danger", token: editors ?? "" }
      assert.strictEqual((await as("editor").send(address, typed)).status, 403)
    }
    for (const [action, typed] of [
      ["clear", ""],
      ["clear", "pages"],
      ["clearAllVersions", "pages-danger"],
      ["flush", "pages-danger"]
    ] as const) {
      assert.strictEqual((await submit(action, { typed })).status, 422)
    }
    assert.isTrue(await run(cache.has("k")))
    const cleared = await submit("clear", { typed: "pages-danger" })
    assert.strictEqual(cleared.status, 303)
    assert.match(await (await as("all").ask(cleared.headers.get("location") ?? "")).text(), /Its keys were deleted: 1/)
    assert.deepStrictEqual([await run(cache.has("k")), await run(newer.has("k"))], [false, true])
    assert.strictEqual((await submit("clearAllVersions", { typed: "pages-danger in all versions" })).status, 303)
    assert.deepStrictEqual([await run(newer.has("k")), await run(other.has("k"))], [false, true])
    assert.strictEqual((await submit("flush", { typed: "flush everything" })).status, 303)
    assert.isFalse(await run(other.has("k")))
    await dispose()
  })

  it("say of servers what they say of themselves, and show no argument of a command", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "pages-servers")
    await run(cache.set("k", "SECRET"))
    assert.strictEqual((await as("blind").ask("/cache/servers")).status, 403)
    const page = await (await as("viewer").ask("/cache/servers")).text()
    if (where === "in memory") assert.match(page, /there is no server/)
    else {
      // Each server says it of itself.
      const servers = where === "on a server" ? 1 : 3
      for (const words of [
        /When it is full/,
        /Slow log \([1-9]\d*\)/,
        /Who is connected/,
        /What the server finds of its memory/,
        /timeout is 0/,
        /INFO, as it is/
      ]) {
        assert.strictEqual(page.match(new RegExp(words, "g"))?.length, servers, String(words))
      }
      assert.match(page, /<th scope="row">SET<\/th>/, "the slow log")
      assert.notMatch(page, /SECRET|pages-servers:1:k/)
    }
    await dispose()
  })
})
