/** What visitors of the admin pages can change, and what they cannot: in memory, on a server, in a cluster and in a ring. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Redacted, Schema, Scope } from "effect"
import { CacheRegion, Cipher, Compressor, Serializer, ValkeyStandalone } from "effect-vcache"
import { formsIn, isNamed, pagesOver, type pageVisitor } from "../support/adminPages.ts"
import { adminTopologies } from "../support/adminTopologies.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

class Person extends Schema.Class<Person>("Person")({
  name: Schema.String,
  born: Schema.Date
}) {}

class People extends CacheRegion.Service<People>()("test/People", {
  name: "people",
  key: Schema.Int,
  value: Person,
  lookup: () => Effect.never
}) {}

const topologies = await Effect.runPromise(adminTopologies())

describe.each(topologies)("a visitor of the admin pages, %s,", (_, client) => {
  it("edits a value as JSON, and its lifetime stays to the millisecond, and so do its tags and format", async () => {
    const { as, at, cache, call, dispose, pttl, run, value } = await pagesOver(client, "edit-value")
    const ends = 4_000_000_000_123
    for (const [key, options] of [
      ["json", {}],
      ["msgpack", { serializer: Serializer.msgpack }],
      ["zstd", { compressor: Compressor.zstd({ threshold: 0 }) }]
    ] as const) {
      await run(cache.withOptions(options).set(key, { name: "Ada".repeat(50) }, { tags: ["people", "a,b"] }))
      await call("PEXPIREAT", key, ends)
      const { page, submit } = await as("editor").open(at(key))
      assert.match(page, />a,b<\/a> <a [^>]*>people</)
      const saved = await submit("value", { json: `{"name":"Grace${"e".repeat(200)}"}` })
      assert.strictEqual(saved.status, 303)
      assert.match(await (await as("editor").ask(saved.headers.get("location") ?? "")).text(), /✓ Saved\./)
      assert.deepStrictEqual(await run(Effect.map(cache.withOptions(options).get(key), Option.getOrUndefined)), {
        name: `Grace${"e".repeat(200)}`
      })
      assert.strictEqual(await call("PEXPIRETIME", key), ends)
      assert.deepStrictEqual(await run(cache.tagsOf(key)), Option.some(["a,b", "people"]))
    }
    // A value that can become stale becomes so when it would have.
    await run(cache.getOrSet("fresh", Effect.succeed("old"), { timeToLive: "1 minute", staleFor: "1 hour" }))
    const before = await run(cache.client.send("GET", [cache.makeKey("fresh")]))
    await (await as("editor").open(at("fresh"))).submit("value", { json: '"new"' })
    const after = await run(cache.client.send("GET", [cache.makeKey("fresh")]))
    assert.strictEqual(String(after), String(before).replace('"old"', '"new"'))
    assert.strictEqual(await value("fresh"), "new")
    assert.isAbove(await pttl("fresh"), 3_000_000)
    await dispose()
  })

  it("edits what takes a schema as its JSON, where a region has it; else it is shown in hex", async () => {
    const options = { serializer: Serializer.binary, compressor: Compressor.zstd({ threshold: 20 }) }
    const { as, at, cache, call, dispose, run } = await pagesOver(client, "edit-binary", options, People)
    const stored = cache.withSchema(Person)
    const ada = new Person({ name: "Ada", born: new Date("1815-12-10") })
    await run(stored.set("people:1", ada, { tags: ["a"], timeToLive: "1 hour" }))
    const ends = await call("PEXPIRETIME", "people:1")
    const { page, submit } = await as("editor").open(at("people:1"))
    assert.match(page, /&quot;name&quot;: &quot;Ada&quot;,\s+&quot;born&quot;: &quot;1815-12-10T/)
    for (const [json, words] of [
      ['{"name":1}', /Nothing was written/],
      ["{", /not JSON/]
    ] as const) {
      const refused = await submit("value", { json })
      assert.strictEqual(refused.status, 422)
      assert.match(await refused.text(), words)
    }
    const grace = { name: `Grace${"e".repeat(100)}`, born: "1906-12-09T00:00:00.000Z" }
    assert.strictEqual((await submit("value", { json: JSON.stringify(grace) })).status, 303)
    assert.deepStrictEqual(
      await run(stored.get("people:1")),
      Option.some(new Person({ ...grace, born: new Date(grace.born) }))
    )
    assert.strictEqual(await call("PEXPIRETIME", "people:1"), ends)
    assert.deepStrictEqual(await run(cache.tagsOf("people:1")), Option.some(["a"]))
    // Somebody was faster.
    const conflict = await submit("value", { json: JSON.stringify(grace) })
    assert.strictEqual(conflict.status, 409)
    assert.match(await conflict.text(), /Now[^]*&quot;Graceee/)
    // Two values stay in hex: one of a key without a region, and one that does not match the region's schema.
    await run(stored.set("nobody:1", ada))
    await run(
      cache.withSchema(Schema.Struct({ other: Schema.Array(Schema.Boolean) })).set("people:2", { other: [true] })
    )
    for (const [key, words] of [
      ["nobody:1", /cannot be read without its schema/],
      ["people:2", /not a value of its region/]
    ] as const) {
      const shown = await as("editor").open(at(key))
      assert.match(shown.page, words)
      assert.match(shown.page, /<pre tabindex="0" aria-label="Value">[0-9a-f]+</)
      assert.isUndefined(shown.forms.find(({ fields }) => fields["action"] === "value"))
      const tried = await as("all").open(at(key))
      assert.strictEqual((await tried.submit("delete", { action: "value", json: "1" })).status, 422)
    }
    await dispose()
  })

  it("edits what is near, too: whoever reads in this process reads what was saved", async () => {
    const { as, at, cache, dispose, run, value } = await pagesOver(client, "edit-near", { near: {} })
    await run(cache.set("k", "old"))
    await run(until("a near value", cache.near, (state) => state._tag === "Live"))
    assert.strictEqual(await value("k"), "old")
    assert.strictEqual((await (await as("all").open(at("k"))).submit("value", { json: '"new"' })).status, 303)
    assert.strictEqual(await value("k"), "new")
    assert.strictEqual((await (await as("all").open(at("k"))).submit("delete")).status, 303)
    assert.isUndefined(await value("k"))
    await dispose()
  })

  it("is told of a conflict and of a key that is gone, and nothing is overwritten unseen", async () => {
    const { as, at, cache, dispose, run, value } = await pagesOver(client, "edit-conflict")
    await run(cache.set("k", "<b>1</b>"))
    const seen = await as("all").open(at("k"))
    await run(cache.set("k", "<b>2</b>"))
    for (const [action, fields] of [
      ["value", { json: '"<i>mine</i>"' }],
      ["lifetime", { lifetime: "1s" }],
      ["rename", { to: "elsewhere" }],
      ["delete", {}]
    ] as const) {
      const refused = await seen.submit(action, fields)
      const page = await refused.text()
      assert.strictEqual(refused.status, 409, action)
      assert.match(page, /has changed since you opened it\. Nothing was written/)
      assert.match(page, /&lt;b&gt;2&lt;\/b&gt;/, "what is there now")
      if (action === "value") assert.match(page, /&lt;i&gt;mine&lt;\/i&gt;/, "what was typed")
      assert.notMatch(page, /<[bi]>/)
      assert.strictEqual(await value("k"), "<b>2</b>")
    }
    await run(cache.delete("k"))
    for (const action of ["value", "lifetime", "rename", "delete"]) {
      const gone = await seen.submit(action, { json: "1", lifetime: "1s", to: "elsewhere" })
      assert.strictEqual(gone.status, 410, action)
    }
    assert.isFalse(await run(cache.has("k")))
    // The same bytes again are what was seen.
    await run(cache.set("k", "<b>1</b>"))
    assert.strictEqual((await seen.submit("value", { json: "3" })).status, 303)
    await dispose()
  })

  it("changes lifetimes, makes keys permanent, renames and deletes them", async () => {
    const { as, at, cache, dispose, pttl, run, value } = await pagesOver(client, "edit-key")
    await run(cache.set("k", 1))
    const editor = as("editor")
    assert.strictEqual((await (await editor.open(at("k"))).submit("lifetime", { lifetime: "1h 30m" })).status, 303)
    const left = await pttl("k")
    assert.isTrue(left > 5_390_000 && left <= 5_400_000, String(left))
    for (const lifetime of ["", "soon", "0s", "-1s", "5", "99999999999999d"]) {
      assert.strictEqual((await (await editor.open(at("k"))).submit("lifetime", { lifetime })).status, 422, lifetime)
    }
    assert.strictEqual((await (await editor.open(at("k"))).submit("persist")).status, 303)
    assert.strictEqual(await pttl("k"), -1)
    await run(cache.set("taken", 2))
    assert.strictEqual((await (await editor.open(at("k"))).submit("rename", { to: "taken" })).status, 422)
    assert.strictEqual(await value("taken"), 2)
    const evil = "<script>/%\u{1f600}"
    const renamed = await (await editor.open(at("k"))).submit("rename", { to: evil })
    assert.strictEqual(renamed.status, 303)
    const opened = await as("deleter").open(renamed.headers.get("location") ?? "")
    assert.notInclude(opened.page, "<script>")
    assert.strictEqual(await value(evil), 1)
    const deleted = await opened.submit("delete")
    assert.strictEqual(deleted.status, 303)
    assert.match(await (await as("viewer").ask(deleted.headers.get("location") ?? "")).text(), /The key was deleted/)
    assert.isFalse(await run(cache.has(evil)))
    await dispose()
  })

  it("only sees what JSON does not say, and only deletes what cannot be decoded", async () => {
    const { as, at, cache, call, dispose, run } = await pagesOver(client, "edit-not")
    const msgpack = cache.withOptions({ serializer: Serializer.msgpack })
    const partly: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
      date: msgpack.set("date", { when: new Date(0) }),
      bytes: msgpack.set("bytes", [new Uint8Array(3)]),
      map: msgpack.set("map", new Map([["a", 1]])),
      bigint: msgpack.set("bigint", [1n]),
      infinity: msgpack.set("infinity", [Infinity]),
      negative: Effect.promise(() => call("SET", "negative", "[-0]")),
      large: Effect.promise(() => call("SET", "large", '{"id":12345678901234567890}'))
    }
    for (const [key, store] of Object.entries(partly)) {
      await run(store)
      const { forms, page } = await as("all").open(at(key))
      assert.match(page, /only be viewed/, key)
      const actions = forms.map(({ fields }) => fields["action"])
      assert.includeMembers(actions, ["lifetime", "rename", "delete"], key)
      assert.notInclude(actions, "value", key)
      const { fields } = forms.find(({ fields }) => fields["action"] === "delete") ?? { fields: {} }
      const forced = await as("all").send(at(key), { ...fields, action: "value", json: "1" })
      assert.strictEqual(forced.status, 422, key)
    }
    await run(cache.withOptions({ cipher: Cipher.aes256gcm([Redacted.make(new Uint8Array(32))]) }).set("secret", "S"))
    for (const [key, stored] of Object.entries({
      text: "plain text",
      damaged: "\u00011json>zstd\nno zstd",
      strange: "\u00019?\n",
      claim: "\u00011!zz.abc\n"
    })) {
      await call("SET", key, stored)
    }
    await call("SET", "long", "x".repeat(1024 * 1024 + 1))
    for (const key of ["secret", "text", "damaged", "strange", "claim", "long"]) {
      const opened = await as("all").open(at(key))
      assert.deepStrictEqual(
        opened.forms.map(({ fields }) => fields["action"]),
        ["delete"],
        key
      )
      const { fields } = opened.forms[0] ?? { fields: {} }
      for (const [action, more] of [
        ["value", { json: "1" }],
        ["lifetime", { lifetime: "1s" }],
        ["rename", { to: "x" }]
      ] as const) {
        const forced = await as("all").send(at(key), { ...fields, action, ...more })
        assert.strictEqual(forced.status, 422, `${key} ${action}`)
      }
      assert.strictEqual((await opened.submit("delete")).status, 303, key)
      assert.isFalse(await run(cache.has(key)), key)
    }
    // What is typed has to be JSON that survives, and a number gives way to a number.
    await run(cache.set("n", 7))
    await run(cache.set("v", { a: 1 }))
    for (const [key, json] of [
      ["n", '"text"'],
      ["v", "{"],
      ["v", "[12345678901234567890]"],
      ["v", ""]
    ] as const) {
      assert.strictEqual((await (await as("all").open(at(key))).submit("value", { json })).status, 422, json)
    }
    await dispose()
  })

  it("edits elements where they are what was seen; a key keeps its lifetime", async () => {
    const { as, at, cache, call, dispose, run } = await pagesOver(client, "edit-elements")
    const openKey = (key: string) => as("editor").open(at(key))
    await run(cache.list("list").pushRight("a", "b", "a"))
    await run(cache.hash("hash").set("f", { n: 1 }))
    await run(cache.unorderedSet("set").add("m", "n"))
    await run(cache.sortedSet("zset").add([["m", 1.5]]))
    const first = await run(cache.stream("stream").add({ f: "one" }))
    for (const key of ["list", "hash", "set", "zset", "stream"]) await call("PEXPIREAT", key, 4_000_000_000_123)

    const list = await openKey("list")
    assert.strictEqual((await list.submit("set", { json: '"A"' }, isNamed("0"))).status, 303)
    assert.strictEqual((await list.submit("set", { json: '"again"' }, isNamed("0"))).status, 409)
    assert.strictEqual((await list.submit("remove", {}, isNamed("0"))).status, 409)
    assert.strictEqual((await list.submit("remove", {}, isNamed("2"))).status, 303)
    assert.strictEqual((await list.submit("remove", {}, isNamed("2"))).status, 410)
    assert.strictEqual((await list.submit("add", { json: '"z"' })).status, 303)
    assert.strictEqual((await list.submit("add", { json: '"y"', first: "1" })).status, 303)
    assert.deepStrictEqual(await run(cache.list("list").range()), ["y", "A", "b", "z"])
    assert.strictEqual((await list.submit("trim", { keep: "1" })).status, 409, "there are more than were seen")
    assert.strictEqual((await (await openKey("list")).submit("trim", { keep: "2" })).status, 303)
    assert.deepStrictEqual(await run(cache.list("list").range()), ["y", "A"])

    const hash = await openKey("hash")
    assert.strictEqual((await hash.submit("set", { json: '{"n":2}' })).status, 303)
    assert.strictEqual((await hash.submit("set", { json: '{"n":3}' })).status, 409)
    assert.strictEqual((await hash.submit("add", { field: "f", json: "1" })).status, 409, "a field is not overwritten")
    assert.strictEqual((await hash.submit("add", { field: "<g>", json: '"1"' })).status, 303)
    assert.deepStrictEqual(
      await run(cache.hash("hash").getAll),
      new Map<string, unknown>([
        ["f", { n: 2 }],
        ["<g>", "1"]
      ])
    )
    assert.strictEqual((await (await openKey("hash")).submit("remove", {}, isNamed("<g>"))).status, 303)

    const set = await openKey("set")
    assert.strictEqual((await set.submit("add", { json: '"m"' })).status, 409)
    assert.strictEqual((await set.submit("add", { json: '"o"' })).status, 303)
    assert.strictEqual((await set.submit("remove", {}, isNamed('"m"'))).status, 303)
    assert.strictEqual((await set.submit("remove", {}, isNamed('"m"'))).status, 410)
    assert.sameMembers([...(await run(cache.unorderedSet("set").members))], ["n", "o"])

    const zset = await openKey("zset")
    assert.strictEqual((await zset.submit("score", { score: "-2.5" })).status, 303)
    assert.strictEqual((await zset.submit("score", { score: "3" })).status, 409)
    assert.strictEqual((await (await openKey("zset")).submit("score", { score: "high" })).status, 422)
    assert.strictEqual((await zset.submit("add", { json: '"m"', score: "9" })).status, 409)
    assert.strictEqual((await zset.submit("add", { json: '"x"', score: "inf" })).status, 303)
    assert.deepStrictEqual(await run(cache.sortedSet("zset").score("m")), Option.some(-2.5))
    assert.strictEqual((await (await openKey("zset")).submit("remove", {}, isNamed('"x"'))).status, 303)

    assert.strictEqual((await (await openKey("stream")).submit("add", { field: "g", json: '"two"' })).status, 303)
    const stream = await openKey("stream")
    assert.strictEqual((await stream.submit("remove", {}, isNamed(Option.getOrThrow(first)))).status, 303)
    assert.strictEqual((await stream.submit("remove", {}, isNamed(Option.getOrThrow(first)))).status, 410)
    const [left] = await run(cache.stream("stream").range())
    assert.deepStrictEqual(left?.fields, new Map([["g", "two"]]))
    assert.strictEqual((await stream.submit("trim", { keep: "1" })).status, 409, "there are fewer than were seen")

    for (const key of ["list", "hash", "set", "zset", "stream"]) {
      assert.strictEqual(await call("PEXPIRETIME", key), 4_000_000_000_123, key)
      const opened = await openKey(key)
      await call("DEL", key)
      assert.strictEqual((await opened.submit("add", { field: "f", json: '"x"', score: "1" })).status, 410, key)
      await call("SET", key, "1")
      assert.strictEqual((await opened.submit("add", { field: "f", json: '"x"', score: "1" })).status, 409, key)
    }
    await dispose()
  })

  it("pages through elements by 100, whatever the server gives at once", async () => {
    const { as, at, call, dispose } = await pagesOver(client, "edit-pages")
    const all = Array.from({ length: 250 }, (_, index) => index)
    await call("RPUSH", "list", ...all)
    await call("SADD", "set", ...all)
    await call("HSET", "hash", ...all.flatMap((index) => [`f${index}`, index]))
    await call("ZADD", "zset", ...all.flatMap((index) => [index, `m${index}`]))
    for (const id of all) await call("XADD", "stream", `${id + 1}-0`, "f", id)
    for (const key of ["list", "set", "hash", "zset", "stream"]) {
      const seen: Array<string> = []
      for (let address: string | undefined = at(key); address !== undefined;) {
        const text: string = await (await as("viewer").ask(address)).text()
        const rows = [...text.matchAll(/<tr>\s*<td[^>]*>([^<]*)<\/td>/g)].map(([, cell = ""]) => cell)
        assert.isAtMost(rows.length, 100, key)
        seen.push(...rows)
        address = /<a href="([^"]*)">Next page/.exec(text)?.[1]?.replaceAll("&amp;", "&")
      }
      assert.strictEqual(new Set(seen).size, 250, key)
    }
    await dispose()
  })

  it("deletes several keys, each only if it is what was shown, and says what became of each", async () => {
    const { as, cache, dispose, run } = await pagesOver(client, "edit-many")
    for (const key of ["a", "b", "c", "<d>"]) await run(cache.set(key, key))
    assert.deepStrictEqual((await as("editor").open("/cache/keys")).forms, [])
    const { forms, page, submit } = await as("deleter").open("/cache/keys")
    assert.match(page, /<td data-label="Size">3 B<\/td>/)
    assert.strictEqual((await submit("choose", { k: "" })).status, 422)
    const [choose] = forms
    const chosen = new URLSearchParams(
      choose?.all.filter(([name, value]) => name !== "k" || value !== "YQ").map(([a, b]) => [a, b])
    )
    const [confirm] = formsIn(await (await as("deleter").send(choose?.address ?? "", chosen)).text())
    await run(cache.set("b", "changed"))
    await run(cache.delete("c"))
    const fields = new URLSearchParams(confirm?.all.map(([a, b]) => [a, b]))
    const report = await (await as("deleter").send(confirm?.address ?? "", fields)).text()
    assert.match(report, /1 of 3 were deleted/)
    assert.match(report, />b<[^]*?changed meanwhile/)
    assert.match(report, />c<[^]*?was there no more/)
    assert.match(report, /&lt;d&gt;[^]*?✓ deleted/)
    assert.deepStrictEqual([...(await run(cache.keys()))].toSorted(), ["a", "b"])
    await dispose()
  })

  it("needs the right, the token of a form made for him, and a page of ours", async () => {
    const { as, at, cache, dispose, logged, run, value } = await pagesOver(client, "edit-rights")
    await run(cache.set("k", "untouched"))
    await run(cache.set("hidden", "SECRET"))
    const { fields } = (await as("all").open(at("k"))).forms.find(({ fields }) => fields["action"] === "value") ?? {
      fields: {}
    }
    const forms: ReadonlyArray<Readonly<Record<string, string>>> = [
      { ...fields, json: "1" },
      ...["lifetime", "persist", "rename", "delete", "set", "remove", "add", "trim"].map((action) =>
        Object.assign({ json: "1", lifetime: "1s", to: "x", keep: "0", size: "0", name: "" }, fields, { action })
      )
    ]
    assert.deepStrictEqual((await as("viewer").open(at("k"))).forms, [])
    for (const form of forms) {
      // A token belongs to one visitor.
      assert.strictEqual((await as("viewer").send(at("k"), form)).status, 403)
      assert.strictEqual((await as("blind").send(at("k"), form)).status, 403)
      assert.strictEqual((await as("nobody").send(at("k"), form)).status, 403)
      for (const token of ["", "x", (form["token"] ?? "").slice(1), `${form["token"]}A`]) {
        assert.strictEqual((await as("all").send(at("k"), { ...form, token })).status, 403)
      }
      for (const headers of [
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "none" },
        { origin: "http://evil.example", host: "localhost" },
        { origin: "null", host: "localhost" },
        { origin: "http://localhost:81", host: "localhost" }
      ] as ReadonlyArray<Readonly<Record<string, string>>>) {
        assert.strictEqual((await as("all").send(at("k"), form, headers)).status, 403, JSON.stringify(headers))
      }
    }
    // A visitor with a valid token still needs the right.
    const editors = await ownToken(as("editor"), at("k"))
    assert.strictEqual((await as("editor").send(at("k"), { ...fields, token: editors, action: "delete" })).status, 403)
    const deleters = await ownToken(as("deleter"), at("k"))
    assert.strictEqual(
      (await as("deleter").send(at("k"), { ...fields, token: deleters, action: "value", json: "1" })).status,
      403
    )
    // Bodies that are not forms, and actions that do not exist.
    const plainText = {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: { "content-type": "text/plain" }
    }
    assert.strictEqual((await as("all").ask(at("k"), plainText)).status, 400)
    for (const action of ["", "constructor", "__proto__", "toString", "flushall"]) {
      assert.strictEqual((await as("all").send(at("k"), { ...fields, action })).status, 400, action)
    }
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      assert.strictEqual((await as("all").ask(at("k"), { method })).status, 405)
    }
    for (const path of ["/cache", "/cache/servers", "/cache/events", "/cache/admin.css", "/cache/nothing"]) {
      assert.strictEqual((await as("all").send(path, fields)).status, 405, path)
    }
    // A hidden value cannot be edited, and its forms do not reveal its bytes.
    const hidden = await as("all").open(at("hidden"))
    assert.notInclude(hidden.page, "SECRET")
    assert.notInclude(hidden.page, createHash("sha256").update('"SECRET"').digest("base64url"))
    assert.isUndefined(hidden.forms.find(({ fields }) => fields["action"] === "value"))
    assert.strictEqual((await hidden.submit("lifetime", { action: "value", lifetime: "1s", json: "1" })).status, 403)
    // Only keys of this cache can be reached, and no key is made elsewhere.
    for (const to of ["", "x".repeat(70_000)]) {
      assert.strictEqual((await (await as("all").open(at("k"))).submit("rename", { to })).status, 422)
    }
    assert.strictEqual(await value("k"), "untouched")
    assert.strictEqual(await value("hidden"), "SECRET")
    assert.include(logged, "effect-vcache admin: delete", "what was tried with a valid form")
    assert.notMatch(logged.join(), /untouched|SECRET/)
    await dispose()
  })

  it("brings no value to light under another name, and makes none where values are hidden", async () => {
    const { as, at, cache, dispose, run } = await pagesOver(client, "edit-hidden")
    await run(cache.setMany({ "hidden:a": "SECRET", "session:a": "SECRET", k: "MADE UP" }))
    for (const key of ["hidden:a", "session:a"]) {
      const { forms, page, submit } = await as("editor").open(at(key))
      assert.isUndefined(forms.find(({ fields }) => fields["action"] === "rename"))
      for (const to of ["shown", "hidden:b", "session:b"]) {
        assert.strictEqual((await submit("lifetime", { action: "rename", to })).status, 403, to)
      }
      assert.notInclude(page, "SECRET")
    }
    const { submit } = await as("editor").open(at("k"))
    for (const to of ["hidden:b", "session:b"]) assert.strictEqual((await submit("rename", { to })).status, 422, to)
    assert.sameMembers([...(await run(cache.keys()))], ["hidden:a", "session:a", "k"])
    await dispose()
  })
})

/** The token in the forms of one visitor. */
const ownToken = async (visitor: ReturnType<typeof pageVisitor>, address: string): Promise<string> =>
  (await visitor.open(address)).forms[0]?.fields["token"] ?? ""

describe("a visitor whose server is away", () => {
  it("is told so, and not that nothing was written", async () => {
    const scope = Effect.runSync(Scope.make())
    const own = await Effect.runPromise(Scope.provide(startServer(), scope))
    const away = ValkeyStandalone.layer({ url: own.url, commandTimeout: "500 millis" })
    const { as, at, cache, dispose, run } = await pagesOver(away, "edit-away")
    await run(cache.set("k", 1))
    const { submit } = await as("all").open(at("k"))
    await Effect.runPromise(own.kill)
    const answer = await submit("value", { json: "2" })
    assert.strictEqual(answer.status, 503)
    assert.notMatch(await answer.text(), /Nothing was written/)
    for (const path of ["/cache/keys", "/cache/tags", "/cache/locks", "/cache/sessions", at("k")]) {
      assert.strictEqual((await as("all").ask(path)).status, 503, path)
    }
    assert.match(await (await as("all").ask("/cache/servers")).text(), /It cannot be reached/)
    const overview = await as("all").ask("/cache")
    assert.strictEqual(overview.status, 200)
    assert.match(await overview.text(), /role="alert"/)
    const { submit: flush } = await as("all").open("/cache/danger")
    assert.strictEqual((await flush("flush", { typed: "flush everything" })).status, 503)
    await dispose()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })
})
