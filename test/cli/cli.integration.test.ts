/** The command line, as a process with a real server. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { addressOf, formsIn } from "../support/adminPages.ts"
import { run } from "../support/runProgram.ts"
import { sharedInFile } from "../support/sharedInFile.ts"
import { until } from "../support/until.ts"
import { startServer } from "../support/ValkeyServer.ts"

const root = join(import.meta.dirname, "../..")
const server = await Effect.runPromise(
  sharedInFile(startServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu"))
)

const program = ["--conditions=effect-vcache-source", "src/cli.ts"]

const cli = (...args: ReadonlyArray<string>) =>
  run(process.execPath, [...program, ...args], { cwd: root, env: { VALKEY_URL: server.url } })

/** A command that runs until it is killed, or its input ends, and what it has printed. */
const start = (
  args: ReadonlyArray<string>,
  {
    errors = "inherit",
    input = "ignore"
  }: { readonly errors?: "inherit" | "ignore"; readonly input?: "ignore" | "pipe" } = {}
) => {
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: root,
    env: { ...process.env, VALKEY_URL: server.url },
    stdio: [input, "pipe", errors]
  })
  let out = ""
  child.stdout?.on("data", (data) => (out += data))
  return { child, printed: Effect.sync(() => out) }
}

const lines = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))

const call = (name: string, ...args: ReadonlyArray<string | number>) => Effect.runPromise(server.call(name, ...args))

describe("the command line", () => {
  it("stores, shows, names and deletes keys", async () => {
    const value = '{"name":"Ada"}'
    assert.deepInclude(await cli("set", "app:1:ada", value, "--ttl", "500000"), { code: 0, stdout: "", stderr: "" })
    await call("HSET", "app:1:hash", "f", "\u001b[2Jv")
    const [shown, json, hash, keys, missing, removed] = await Promise.all([
      cli("get", "app:1:ada"),
      cli("get", "app:1:ada", "--json"),
      cli("get", "app:1:hash"),
      cli("keys", "app:*", "--long", "--json"),
      cli("get", "app:1:nobody"),
      cli("delete", "app:1:nobody", "app:1:nobody-else")
    ])
    assert.strictEqual(shown.stdout, '{\n  "name": "Ada"\n}\n')
    assert.match(shown.stderr, /string, 14 bytes, lives \dm \d+s, json/)
    const [entry] = lines(json.stdout)
    assert.deepInclude(entry, { key: "app:1:ada", type: "string", format: "json", value: { name: "Ada" } })
    // Control characters in a value are shown as escapes, so that the terminal does not obey them.
    assert.strictEqual(hash.stdout, "f  \\x1b[2Jv\n")
    assert.strictEqual(lines(keys.stdout).length, 2)
    assert.deepInclude(
      lines(keys.stdout).find((line) => JSON.stringify(line).includes("hash")),
      {
        key: "app:1:hash",
        type: "hash",
        ttl: null
      }
    )
    assert.deepInclude(missing, { code: 1, stdout: "", stderr: 'effect-vcache: There is no key "app:1:nobody".\n' })
    assert.strictEqual(removed.code, 1)
    // The standard output, which programs read, stays empty. People get a sentence on the standard error stream.
    const none = await Promise.all([cli("keys", "app"), cli("keys", "nothing:*"), cli("keys", "app", "--json")])
    const sentences = [
      'effect-vcache: No key matches "app". A pattern is for whole keys. "app*" matches keys that begin with it.\n',
      'effect-vcache: No key matches "nothing:*".\n',
      ""
    ]
    assert.deepStrictEqual(
      none.map(({ code, stderr, stdout }) => ({ code, stderr, stdout })),
      sentences.map((stderr) => ({ code: 0, stderr, stdout: "" }))
    )
    // Tags, and a claim that has ended.
    await call("SET", "app:1:tagged", "\u00012json~a,b;h;s;!1.abc\n1")
    const tagged = await cli("get", "app:1:tagged")
    assert.match(tagged.stderr, /tags a, b, the claim of a lookup has ended/)
    assert.deepInclude(lines((await cli("get", "app:1:tagged", "--json")).stdout)[0], { tags: ["a", "b"], value: 1 })
    // What the user may not ask is not known, and no type or lifetime is made up for it.
    await call("ACL", "SETUSER", "few", "on", ">p", "~*", "+@all", "-type", "-pttl")
    const few = server.url.replace("://", "://few:p@")
    const unknown = await cli("keys", "app:1:hash", "--long", "--json", "--url", few)
    assert.hasAllKeys(lines(unknown.stdout)[0], ["key", "bytes"])
    assert.match((await cli("keys", "app:1:hash", "--long", "--url", few)).stdout, /^\?  \?  \d+ B/)
    const refused = await cli("set", "app:1:hash", "1")
    assert.strictEqual(refused.code, 1)
    assert.match(refused.stderr, /hash, which set does not replace/)
  })

  it("exports and imports keys of every type with their lifetimes", async () => {
    await call("SET", "move:a*b", "1", "PXAT", 4_000_000_000_123)
    await call("ZADD", "move:z", 1.5, "m")
    await call("SET", "moved", "other")
    const exported = await cli("export", "move:")
    assert.strictEqual(exported.code, 0)
    assert.strictEqual(lines(exported.stdout).length, 2)
    await call("DEL", "move:a*b")
    const { child, printed } = start(["import", "--json"], { input: "pipe" })
    child.stdin?.end(exported.stdout)
    assert.strictEqual(await new Promise((resolve) => child.once("close", resolve)), 0)
    assert.deepStrictEqual(lines(Effect.runSync(printed)), [{ stored: 1, kept: 1 }])
    assert.strictEqual(await call("PEXPIRETIME", "move:a*b"), 4_000_000_000_123)
    assert.strictEqual(await call("ZSCORE", "move:z", "m"), "1.5")
  })

  it("prints what changes, and the rates of servers", async () => {
    const { child, printed } = start(["watch", "seen:", "--json"])
    try {
      await Effect.runPromise(until("that changes are announced", printed, (text) => text.includes("Live")))
      await call("SET", "unseen:k", 1)
      await call("SET", "seen:k", 1)
      const out = await Effect.runPromise(until("the change", printed, (text) => text.includes("seen:k")))
      assert.notInclude(out, "unseen")
    } finally {
      child.kill("SIGKILL")
    }
    const stats = await cli("stats", "--count", "1", "--json")
    const [line] = lines(stats.stdout)
    assert.deepInclude(line, { server: server.node })
  })

  it("counts tags, names who holds locks, measures keys and the server", async () => {
    await call("SET", "tagged:1", "\u00012json~users,team%3A1;h;s;\n1")
    await call("SET", "tagged:2", "\u00012json~users;h;s;\n1")
    await call("SET", "%vcache:lock:{held:1:report}", "0123456789abcdef", "PX", 60_000)
    await call("SET", "%vcache:fence:{held:1:report}", "77w")
    await call("ZADD", "%vcache:holders:{held:1:mail}", Date.now() + 60_000, "fedcba9876543210:2")
    await call("SET", "%vcache:lock:{held:1:sync}", "0123456789abcdef web-2: sync", "PX", 60_000)
    await call("ZADD", "%vcache:holders:{held:1:sms}", Date.now() + 60_000, "fedcba9876543210 web:3:1")
    await call("SET", "large:1", "x".repeat(5000))
    await call("SET", "large:2", "x")
    const [tags, bearers, locks, held, top, bench] = await Promise.all([
      cli("tags", "--prefix", "tagged:", "--json"),
      cli("tags", "team:1"),
      cli("locks"),
      cli("locks", "--prefix", "held:", "--json"),
      cli("top", "--prefix", "large:", "--count", "1"),
      cli("bench", "--seconds", "1", "--concurrency", "2", "--json")
    ])
    assert.deepStrictEqual(lines(tags.stdout), [
      { tag: "users", values: 2 },
      { tag: "team:1", values: 1 }
    ])
    assert.strictEqual(bearers.stdout, "tagged:1\n")
    assert.match(locks.stdout, /lock +01234567… +\d+s +fence 77 +somebody waits +held:1:report/)
    assert.match(locks.stdout, /permits +fedcba98… +\d+s +2 held +nobody waits +held:1:mail/)
    assert.match(locks.stdout, /lock +web-2: sync +\d+s +fence +nobody waits +held:1:sync/)
    assert.match(locks.stdout, /permits +web:3 +\d+s +1 held +nobody waits +held:1:sms/)
    assert.notInclude(locks.stdout, "0123456789")
    const [report, sync] = lines(held.stdout)
    assert.deepInclude(report, { kind: "lock", key: "held:1:report", label: null, fence: "77", waits: true })
    assert.deepInclude(sync, { key: "held:1:sync", holder: "01234567", label: "web-2: sync" })
    assert.match(top.stdout, /^[45]\.\d KiB {2}large:1\n$/)
    assert.match(top.stderr, /of 2 keys/)
    const [set, get] = lines(bench.stdout)
    assert.deepInclude(set, { command: "SET" })
    assert.deepInclude(get, { command: "GET" })
    const { stdout: left } = await cli("keys", "effect-vcache-bench:*")
    assert.strictEqual(left, "", "it deletes its keys")
  })

  it("serves the admin pages to whoever has the address, and lets him do what it was told", async () => {
    await call("SET", "pages:1:k", '"v"')
    const { child, printed } = start(["admin", "--prefix", "pages", "--allow", "edit", "--json"], { errors: "ignore" })
    try {
      const out = await Effect.runPromise(until("the address", printed, (text) => text.includes("\n")))
      const [, address = ""] = /"address":"([^"]+)"/.exec(out) ?? []
      const at = new URL(address).origin
      const key = at + addressOf("k")
      for (const url of [`${at}/`, `${at}/?token=wrong`, `${at}/cache`, key, `${at}/cache/events`]) {
        assert.strictEqual((await fetch(url, { redirect: "manual" })).status, 403, url)
      }
      const entered = await fetch(address, { redirect: "manual" })
      assert.strictEqual(entered.status, 303)
      assert.match(entered.headers.get("set-cookie") ?? "", /HttpOnly; SameSite=Strict/)
      const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? ""
      // A name of a stranger that resolves to this machine.
      assert.strictEqual((await fetch(key, { headers: { cookie, "x-forwarded-for": "10.0.0.1" } })).status, 403)
      const page = await (await fetch(key, { headers: { cookie } })).text()
      assert.match(page, /this machine may view, edit</)
      const value = formsIn(page).find(({ fields }) => fields["action"] === "value")
      assert.isUndefined(formsIn(page).find(({ fields }) => fields["action"] === "delete"))
      const body = new URLSearchParams({ ...value?.fields, json: '"edited"' })
      const saved = await fetch(`${at}${value?.address}`, {
        method: "POST",
        body,
        headers: { cookie },
        redirect: "manual"
      })
      assert.strictEqual(saved.status, 303)
      assert.strictEqual(await call("GET", "pages:1:k"), '"edited"')
    } finally {
      child.kill("SIGKILL")
    }
  })

  it("examines, and says by its exit code what it found", async () => {
    await call("ACL", "SETUSER", "reader", "on", ">p", "~app:*", "+@read", "+@connection")
    await call("SET", "ttl:1:k", 1, "PX", 60_000)
    const [well, refused, ttl, completions, nobody, unset, wrong, help] = await Promise.all([
      cli("doctor"),
      cli("doctor", "--prefix", "app:", "--json", "--url", server.url.replace("://", "://reader:p@")),
      cli("ttl", "ttl:1:k", "--json"),
      cli("--completions", "bash"),
      cli("doctor", "--url", "valkey://127.0.0.1:1", "--json"),
      cli("keys", "--url", ""),
      cli("keys", "--nonsense"),
      cli("--help")
    ])
    assert.strictEqual(well.code, 0, well.stdout + well.stderr)
    assert.match(well.stdout, /✓ rights: .*[^]*\n\n(?:Good|Advice): .*\n$/)
    assert.strictEqual(refused.code, 1, refused.stdout + refused.stderr)
    const verdicts = lines(refused.stdout).map((line) => JSON.stringify(line))
    const rights = verdicts.find((line) => line.includes('"rights"')) ?? ""
    assert.match(rights, /"status":"problem".*may not run SET/)
    assert.match(ttl.stdout, /^\{"key":"ttl:1:k","ttl":\d{5}\}\n$/)
    assert.strictEqual(completions.code, 0)
    for (const name of ["doctor", "--type"]) assert.include(completions.stdout, name)
    assert.strictEqual(nobody.code, 1, nobody.stdout + nobody.stderr)
    assert.deepInclude(lines(nobody.stdout)[0], { check: "connection", status: "problem" })
    assert.strictEqual(unset.code, 2)
    assert.match(unset.stderr, /Set VALKEY_URL/)
    assert.strictEqual(wrong.code, 2)
    assert.strictEqual(help.code, 0)
    for (const name of ["doctor", "export", "watch"]) assert.include(help.stdout, name)
    const unreachable = await cli("keys", "--url", "valkey://app:SECRET@127.0.0.1:1")
    assert.strictEqual(unreachable.code, 3)
    assert.match(unreachable.stderr, /ECONNREFUSED/)
    assert.notInclude(unreachable.stderr, "SECRET")
  })
})
