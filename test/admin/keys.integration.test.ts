/** The list of keys: pages, tags, the largest, and deleting many; and what the pages show while a server of three is away. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Doctor, type ValkeyClient, ValkeyCluster, ValkeyMemory, ValkeyRing, ValkeyStandalone } from "effect-vcache"
import { type FoundForm, formsIn, pagesOver, type pageVisitor } from "../support/adminPages.ts"
import { startCluster } from "../support/ClusterFleet.ts"
import { startRing } from "../support/RingFleet.ts"
import { sharedInFile } from "../support/sharedInFile.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

const { cluster, ring, server } = await Effect.runPromise(
  sharedInFile(
    Effect.all(
      {
        server: startServer("--enable-debug-command", "yes"),
        cluster: startCluster({ replicas: 0, fullCoverage: "no" }),
        ring: startRing()
      },
      { concurrency: "unbounded" }
    )
  )
)

type Client = Layer.Layer<ValkeyClient, unknown>

const onCluster: Client = ValkeyCluster.layer({ url: cluster.url })
const onRing: Client = ValkeyRing.layer({ urls: ring.urls })
const topologies: ReadonlyArray<readonly [string, Client]> = [
  ["in memory", ValkeyMemory.layer()],
  ["on a server", ValkeyStandalone.layer({ url: server.url })],
  ["in a cluster", onCluster],
  ["in a ring", onRing]
]

const keysIn = (page: string): ReadonlyArray<string> =>
  [...page.matchAll(/<th scope="row"><a href="[^"]*[?&](?:amp;)?k=([\w-]*)/g)].map(([, param = ""]) =>
    Buffer.from(param, "base64url").toString()
  )

const linkIn = (page: string, words: string): string | undefined =>
  new RegExp(`<a href="([^"]*)">${words}</a>`).exec(page)?.[1]?.replaceAll("&amp;", "&")

const addressOf = (params: Readonly<Record<string, string>>) => `/cache/keys?${new URLSearchParams(params).toString()}`

/** The page that follows when the first form of a page is sent with all of its fields. */
const submitted = async ({ send }: ReturnType<typeof pageVisitor>, page: string): Promise<string> => {
  const [form] = formsIn(page)
  return (await send(form?.address ?? "", fieldsOf(form))).text()
}

const fieldsOf = (form: FoundForm | undefined) =>
  new URLSearchParams((form?.all ?? []).map(([name, value]): [string, string] => [name, value]))

/** All pages of a search, one after the other. */
const pagesFrom = async ({ ask }: ReturnType<typeof pageVisitor>, address: string) => {
  const pages: Array<string> = []
  for (let next: string | undefined = address; next !== undefined;) {
    const response = await ask(next)
    assert.strictEqual(response.status, 200, next)
    const page = await response.text()
    pages.push(page)
    next = linkIn(page, "Look further")
  }
  return pages
}

describe.each(topologies)("the keys of a cache, %s,", (_, client) => {
  it("come in pages, each once, whichever server has them, and no others", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "keys-pages")
    const keys = Array.from({ length: 450 }, (_, i) => `user:${i}`)
    await run(cache.setMany(Object.fromEntries(keys.map((key) => [key, key]))))
    await run(cache.hash("hash").set("f", 1))
    for (const other of [cache.withOptions({ prefix: "keys-pagesx" }), cache.withOptions({ version: 2 })]) {
      await run(other.setMany(Object.fromEntries(keys.map((key) => [`other:${key}`, 1]))))
    }
    const pages = await pagesFrom(as("viewer"), "/cache/keys")
    const found = pages.flatMap(keysIn)
    assert.sameMembers(found, [...keys, "hash"])
    assert.isAtLeast(pages.length, 3)
    for (const page of pages) assert.isBelow(keysIn(page).length, 300)
    const some = await pagesFrom(as("viewer"), addressOf({ pattern: "user:1?", type: "string" }))
    assert.strictEqual(some.flatMap(keysIn).length, 10)
    assert.deepStrictEqual((await pagesFrom(as("viewer"), addressOf({ type: "hash" }))).flatMap(keysIn), ["hash"])
    await dispose()
  })

  it("are found by a tag that their values bear", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "keys-tags")
    const evil = `<script>alert(1)</script>"`
    for (let i = 0; i < 30; i++) await run(cache.set(`k${i}`, i, { tags: i % 3 === 0 ? [evil, "all"] : ["all"] }))
    for (const other of [cache.withOptions({ prefix: "keys-tagsx" }), cache.withOptions({ version: 2 })]) {
      await run(other.set("other", 1, { tags: [evil] }))
    }
    await run(cache.set("hidden:key", 1, { tags: [evil, "secret"] }))
    const pages = await pagesFrom(as("viewer"), addressOf({ tag: evil }))
    assert.sameMembers(
      pages.flatMap(keysIn),
      Array.from({ length: 10 }, (_, i) => `k${3 * i}`)
    )
    assert.notInclude(pages.join(), "<script")
    assert.deepStrictEqual((await pagesFrom(as("viewer"), addressOf({ tag: "none" }))).flatMap(keysIn), [])
    const narrow = await pagesFrom(as("viewer"), addressOf({ tag: "all", pattern: "k1*" }))
    assert.strictEqual(narrow.flatMap(keysIn).length, 11)
    await run(cache.hash("hash").set("f", 1))
    assert.deepStrictEqual((await pagesFrom(as("viewer"), addressOf({ tag: "all", type: "hash" }))).flatMap(keysIn), [])
    // The tags of a hidden value are hidden, too.
    const tags = await (await as("viewer").ask("/cache/tags")).text()
    assert.match(tags, /&lt;script&gt;[^]*?<td[^>]*>10<\/td>/)
    assert.notInclude(tags, "secret")
    await dispose()
  })

  it("are shown by what they take of the memory, the largest first", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "keys-largest")
    for (const [key, size] of Object.entries({ small: 10, huge: 50_000, middle: 5000 })) {
      await run(cache.set(key, "x".repeat(size)))
    }
    await run(cache.list("list").pushRight(...Array.from({ length: 200 }, () => "y".repeat(100))))
    const page = await (await as("viewer").ask(addressOf({ order: "largest" }))).text()
    assert.deepStrictEqual(keysIn(page), ["huge", "list", "middle", "small"])
    assert.match(page, /The largest of 4 keys that were measured/)
    assert.match(page, /<td data-label="Memory">[45]\d\.\d KiB/)
    await dispose()
  })

  it("go on only from a cursor that these pages have given out, for this cache", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "keys-cursor")
    await run(cache.setMany(Object.fromEntries(Array.from({ length: 450 }, (_, i) => [`k${i}`, i]))))
    const next = new URL(linkIn(await (await as("viewer").ask("/cache/keys")).text(), "Look further") ?? "", "http://x")
    const from = next.searchParams.get("from") ?? ""
    assert.strictEqual((await as("viewer").ask(addressOf({ from }))).status, 200)
    const [param = "", mark = ""] = from.split(".")
    const forged = (cursor: string) => `${Buffer.from(cursor).toString("base64url")}.${mark}`
    for (const bad of [
      "",
      ".",
      param,
      `${param}.`,
      `${param}.${mark}A`,
      `.${mark}`,
      forged("0"),
      forged("127.0.0.1:1/0"),
      forged("evil.example:6379/0"),
      forged(`<script>alert(1)</script>/0`),
      "<script>alert(1)</script>",
      "\u0000",
      "x".repeat(10_000)
    ]) {
      const response = await as("viewer").ask(addressOf({ from: bad }))
      const page = await response.text()
      assert.strictEqual(response.status, 400, bad)
      assert.deepStrictEqual(keysIn(page), [])
      assert.notInclude(page, "<script")
    }
    // Another program's pages have another secret.
    const others = await pagesOver(client, "keys-cursor")
    assert.strictEqual((await others.as("viewer").ask(addressOf({ from }))).status, 400)
    await others.dispose()
    await dispose()
  })

  it("are deleted all that a page shows, with a report of each, by those who may", async () => {
    const { as, at, cache, dispose, logged, run } = await pagesOver(client, "keys-bulk")
    const evil = "<script>alert(1)</script>"
    const keys = [...Array.from({ length: 50 }, (_, i) => `old:${i}`), `old:${evil}`, `old:${"x".repeat(4096)}`]
    await run(cache.setMany(Object.fromEntries(["kept", ...keys].map((key) => [key, key]))))
    const address = addressOf({ pattern: "old:*" })
    const viewed = await (await as("viewer").ask(address)).text()
    assert.isUndefined(linkIn(viewed, "Choose all of these"))
    assert.deepStrictEqual(formsIn(viewed), [])
    const listed = await (await as("deleter").ask(address)).text()
    assert.notMatch(listed, /checked/)
    const chosen = await (await as("deleter").ask(linkIn(listed, "Choose all of these") ?? "")).text()
    assert.strictEqual(chosen.match(/type="checkbox"[^>]*checked/g)?.length, keys.length)
    const [form] = formsIn(await submitted(as("deleter"), chosen))
    const sure = fieldsOf(form)
    assert.strictEqual(sure.getAll("k").length, keys.length)
    assert.isTrue(await run(cache.has("old:1")), "nothing is deleted before it was confirmed")

    // Forms of other visitors and other sites, forms without a token, and forms with too many keys.
    assert.strictEqual((await as("viewer").send(form?.address ?? "", sure)).status, 403)
    const editors = new URLSearchParams(sure)
    editors.set("token", (await as("editor").open(at("kept"))).forms[0]?.fields["token"] ?? "")
    assert.strictEqual((await as("editor").send(form?.address ?? "", editors)).status, 403)
    const crossSite = { "sec-fetch-site": "cross-site" }
    assert.strictEqual((await as("deleter").send(form?.address ?? "", sure, crossSite)).status, 403)
    const tokenless = new URLSearchParams(sure)
    tokenless.delete("token")
    assert.strictEqual((await as("deleter").send(form?.address ?? "", tokenless)).status, 403)
    const many = new URLSearchParams(sure)
    for (let i = 0; i < 1001; i++) many.append("k", "a")
    assert.strictEqual((await as("deleter").send(form?.address ?? "", many)).status, 422)
    for (let i = 0; i < 9000; i++) many.append("k", "a")
    many.set("action", "x\n".repeat(10_000))
    assert.strictEqual((await as("deleter").send(form?.address ?? "", many)).status, 400)
    assert.isBelow(
      Math.max(...logged.slice(-4).map(({ length }) => length)),
      20_000,
      "what is logged of a form has a bound"
    )
    assert.include(logged, "effect-vcache admin: ?")
    assert.isTrue(await run(cache.has("old:1")))

    await run(cache.set("old:7", "changed"))
    await run(cache.delete("old:8"))
    const done = await (await as("deleter").send(form?.address ?? "", sure)).text()
    assert.include(done, `${keys.length - 2} of ${keys.length} were deleted`)
    assert.sameMembers([...keysIn(done)], keys)
    assert.match(logged.at(-1) ?? "", /"visitor":"deleter".*"key":"old:[^"]*, old:/, "the log names them")
    assert.match(done, />old:7<[^]*?changed meanwhile/)
    assert.match(done, />old:8<[^]*?no more/)
    assert.notInclude(done, "<script")
    assert.sameMembers([...(await run(cache.keys()))], ["kept", "old:7"])
    await dispose()
  })
})

/** The pages about a store of three servers while one of them is away. */
const withOneAway = (name: string, client: Client, away: ValkeyServer) =>
  it(`show what the others have, and say which server is missing, ${name}`, async () => {
    const { as, at, cache, dispose, run } = await pagesOver(client, `away-${name}`)
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
    for (const key of keys) await run(cache.set(key, key, { tags: ["all"] }))
    await run(cache.session("session:abcdefgh").create({ user: 1 }, "1 hour"))
    const all = await as("deleter").open(addressOf({ all: "1" }))
    assert.strictEqual(keysIn(all.page).length, keys.length + 1)
    await Effect.runPromise(away.kill)
    const missing = `${away.node} cannot be reached`
    for (const path of ["/cache/keys", addressOf({ tag: "all" }), addressOf({ order: "largest" })]) {
      const pages = (await pagesFrom(as("viewer"), path)).join()
      assert.include(pages, missing, path)
      const found = keysIn(pages)
      assert.isAbove(found.length, 0, path)
      assert.isBelow(found.length, keys.length, path)
    }
    for (const path of ["/cache/tags", "/cache/tags?tag=all", "/cache/locks", "/cache/sessions"]) {
      const response = await as("viewer").ask(path)
      assert.strictEqual(response.status, 200, path)
      const page = await response.text()
      assert.include(page, missing, path)
      assert.notMatch(page, /which are all/)
    }
    const { submit: clear } = await as("all").open("/cache/danger")
    assert.strictEqual((await clear("clear", { typed: `away-${name}` })).status, 503)
    const servers = await (await as("viewer").ask("/cache/servers")).text()
    assert.strictEqual(servers.match(/When it is full/g)?.length, 2)
    assert.strictEqual(servers.match(/It cannot be reached/g)?.length, 1)
    assert.include(servers, away.node)
    const overview = await (await as("viewer").ask("/cache")).text()
    assert.include(overview, away.node)
    assert.match(overview, /<th scope="row">127\.0\.0\.1:\d+<\/th>\s*<td class="problem"/)
    const verdicts = await run(Effect.provide(Doctor.examine(), client))
    const checked = (check: string) => verdicts.flatMap((one) => (one.check === check ? [one.server] : []))
    assert.deepStrictEqual(checked("connection"), [away.node])
    assert.strictEqual(checked("version").length, 2)
    // Keys on the other servers can still be shown and changed.
    const [there = ""] = keysIn(await (await as("viewer").ask(addressOf({ pattern: "k*" }))).text())
    const { submit } = await as("editor").open(at(there))
    assert.strictEqual((await submit("value", { json: '"new"' })).status, 303)
    // The pages say of each key to delete what became of it.
    const confirm = await submitted(as("deleter"), all.page)
    assert.match(confirm, /\d+ keys could not be read, and stay/)
    assert.match(await submitted(as("deleter"), confirm), /([1-9]\d*) of \1 were deleted/)
    await dispose()
  })

describe("the admin pages", () => {
  withOneAway("in a cluster", onCluster, cluster.servers[1]!)
  withOneAway("in a ring", onRing, ring.servers[1])

  it("name the server that others stand in for, in a ring with `next`", async () => {
    const standingIn = ValkeyRing.layer({ urls: ring.urls, whenDown: "next" })
    const { as, cache, dispose, run } = await pagesOver(standingIn, "away-next")
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
    for (const key of keys) await run(cache.set(key, key))
    const page = await (await as("viewer").ask("/cache/keys")).text()
    assert.sameMembers([...keysIn(page)], keys)
    assert.include(page, `${ring.servers[1].node} cannot be reached`)
    await dispose()
  })

  it("wait for a server that does not answer no longer than for a command, in a cluster", async () => {
    const { as, cache, dispose, run } = await pagesOver(onCluster, "frozen")
    const frozen = cluster.servers[2]!
    for (let i = 0; i < 40; i++) await run(Effect.ignore(cache.set(`k${i}`, i)))
    await run(frozen.freeze)
    const paths = ["/cache/keys", "/cache/tags", "/cache/servers"]
    const pages = await Promise.all(paths.map(async (path) => (await as("viewer").ask(path)).text()))
    await run(frozen.thaw)
    for (const [at, page] of pages.entries()) assert.include(page, frozen.node, paths[at])
    assert.isAbove(keysIn(pages[0] ?? "").length, 0)
    assert.match(pages[2] ?? "", /When it is full/)
    await dispose()
  })

  it("find what is rare among 100 000 keys, and never show all of them at once, on a server", async () => {
    const { as, cache, dispose, run } = await pagesOver(ValkeyStandalone.layer({ url: server.url }), "many")
    await run(server.call("DEBUG", "POPULATE", 100_000, "many:1:k"))
    await run(cache.set("needle", 1, { tags: ["rare"] }))
    const first = await (await as("viewer").ask("/cache/keys")).text()
    assert.isBelow(keysIn(first).length, 300)
    assert.match(first, /There may be more/)
    for (const params of [{ pattern: "needle" }, { tag: "rare" }]) {
      // A busy machine takes more than one page for it.
      const found = (await pagesFrom(as("viewer"), addressOf(params))).flatMap(keysIn)
      assert.deepStrictEqual(found, ["needle"], JSON.stringify(params))
    }
    const largest = await (await as("viewer").ask(addressOf({ order: "largest" }))).text()
    assert.strictEqual(keysIn(largest).length, 100)
    assert.match(largest, /keys that were measured\. (?:There may be more|The search stopped)/)
    await run(server.call("FLUSHALL"))
    await dispose()
  })
})
