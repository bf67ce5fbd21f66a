/** What each command of the table leaves behind in the first store when an outage is over: real servers, the second one empty. */
import { assert, describe } from "@effect/vitest"
import { Context, Effect, Exit, Layer } from "effect"
import { ValkeyClient, ValkeyFallback, ValkeyStandalone } from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { rowOf } from "../../src/layers/commands/commandTable.ts"
import { type Example, examples, given } from "../support/commandExamples.ts"
import { test } from "../support/faults.ts"
import { startServerWith } from "../support/ValkeyServer.ts"
import { until } from "../support/until.ts"

/** No connection that is shared carries them. */
const isRefused = ({ call: [name = "", ...args] }: Example) => {
  const { blocks, own } = rowOf(name, args)
  return own !== undefined || (blocks !== undefined && !("keyword" in blocks))
}

/** `c` is always there, as something else. */
const keys = ["a", "b", "c"]

const clientOf = (url: string) =>
  Effect.map(Layer.build(Layer.fresh(ValkeyStandalone.layer({ url }))), (context) => Context.get(context, ValkeyClient))

/** What a key holds, without the times that a stream remembers. */
const valueOf = Effect.fnUntraced(function* (client: ValkeyClient["Service"], key: string) {
  const type = yield* client.send("TYPE", [key])
  if (type === "none") return "gone"
  if (type !== "stream") {
    return String(
      yield* Effect.all([client.send("DUMP", [key], { reply: "buffer" }), client.send("PEXPIRETIME", [key])])
    )
  }
  const pending = yield* Effect.exit(client.send("XPENDING", [key, "group"]))
  const rest = yield* Effect.all([client.send("XRANGE", [key, "-", "+"]), client.send("XINFO", ["GROUPS", key])])
  return JSON.stringify([pending, rest])
})

const stateOf = (client: ValkeyClient["Service"]) => Effect.forEach(keys, (key) => valueOf(client, key))

const prepare = Effect.fnUntraced(function* (client: ValkeyClient["Service"], example: Example) {
  yield* client.send("FLUSHALL", [])
  yield* client.send("SET", ["c", "other"])
  const data = example.given === undefined ? [] : ["a", "b"].flatMap((key) => given[example.given!](key))
  for (const [name = "", ...args] of data) yield* client.send(name, args)
})

type Outcome = "kept" | "fails" | "repeated" | `forgets ${string}`

const outcomes = Effect.fnUntraced(function* (structures: "fail" | "second") {
  // They know the commands of all ages.
  const started = startServerWith({ later: true })
  const [server, other, twin] = yield* Effect.all([started, started, started], { concurrency: 3 })
  const [first, second, repeating] = yield* Effect.all([server, other, twin].map(({ url }) => clientOf(url)))
  const faulty = yield* Layer.build(
    Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyStandalone.layer({ url: server.url })))
  )
  const faults = Context.get(faulty, Faults.Faults)
  const fallback = ValkeyFallback.layer({
    first: Layer.succeedContext(faulty),
    second: ValkeyStandalone.layer({ url: other.url }),
    probeInterval: 1,
    structures
  })
  const client = Context.get(yield* Layer.build(fallback), ValkeyClient)
  const isBack = (nodes: ReadonlyMap<string, unknown>) => nodes.has(server.node)

  const found = new Map<string, Outcome>()
  for (const example of examples) {
    if (isRefused(example)) continue
    const [name = "", ...args] = example.call
    yield* Effect.forEach([first!, repeating!], (client) => prepare(client, example))
    yield* second!.send("FLUSHALL", [])
    yield* Effect.exit(repeating!.send(name, args))
    const before = yield* stateOf(first!)
    yield* faults.set({ failure: "refused" })
    const exit = yield* Effect.exit(client.send(name, args))
    yield* faults.clear
    yield* until("the first to be used again", client.info("server"), isBack, { every: 1 })
    const after = yield* stateOf(first!)
    const gone = keys.filter((_, i) => after[i] !== before[i] && after[i] === "gone")
    const line = example.call.join(" ")
    if (gone.length > 0) found.set(line, `forgets ${gone.join()}`)
    else if (String(after) !== String(before)) {
      assert.deepStrictEqual(after, yield* stateOf(repeating!), line)
      found.set(line, "repeated")
    } else {
      const isOutage = Exit.isFailure(exit) && String(exit.cause).includes("CacheConnectionError")
      found.set(line, isOutage ? "fails" : "kept")
    }
    assert.deepStrictEqual(yield* second!.send("KEYS", ["*"]), [], `the second has forgotten ${line}`)
  }
  return found
})
const forgets: Readonly<Record<string, ReadonlyArray<string>>> = {
  a: [
    "APPEND a more",
    "GETSET a new",
    "PSETEX a 100000 new",
    "SET a new",
    "SET a new NX",
    "SET a new GET",
    "SETEX a 100 new",
    "SETNX a new",
    "SETRANGE a 1 new",
    "DECR a",
    "DECRBY a 2",
    "INCR a",
    "INCRBY a 2",
    "INCRBYFLOAT a 0.5",
    "GETDEL a",
    "EXPIRE a -1",
    "EXPIREAT a 1",
    "PEXPIRE a 0",
    "PEXPIREAT a 1"
  ],
  "a,b": ["DEL a b", "UNLINK a b", "MSET a new b new", "MSETNX a new b new"],
  c: [
    "BITOP AND c a b",
    "SORT a BY STORE GET # LIMIT 0 2 ALPHA STORE c",
    "SINTERSTORE c a b",
    "SUNIONSTORE c a b",
    "ZINTERSTORE c 2 a b",
    "ZRANGESTORE c a 0 -1",
    "ZUNIONSTORE c 2 a b AGGREGATE MAX",
    "GEORADIUS a 15 37 200 km STORE c",
    "GEORADIUS a 15 37 200 km STOREDIST c",
    "GEORADIUSBYMEMBER a one 200 km STORE c",
    "GEOSEARCHSTORE c a FROMMEMBER one BYRADIUS 200 km",
    "SDIFFSTORE c a b",
    "ZDIFFSTORE c 2 a b"
  ]
}

/** Removals of parts. */
const repeats: ReadonlySet<string> = new Set([
  "HDEL a one",
  "HGETDEL a FIELDS 1 one",
  "LREM a 0 one",
  "LTRIM a 0 1",
  "SREM a one",
  "ZREM a one",
  "ZREMRANGEBYLEX a [one [one",
  "ZREMRANGEBYRANK a 0 0",
  "ZREMRANGEBYSCORE a 1 2",
  "XACK a group 1-1",
  "XDEL a 1-1",
  "XTRIM a MAXLEN 0"
])

/** Additions to structures, and what may be one. */
const additions: ReadonlySet<string> = new Set([
  "EVAL return 2 a b x",
  "EVALSHA 0000000000000000000000000000000000000000 1 a x",
  "FCALL f 2 a b x",
  "BITFIELD a SET u8 0 1",
  "SETBIT a 6 1",
  "HINCRBY a one 1",
  "HINCRBYFLOAT a one 0.5",
  "HMSET a one 2",
  "HSET a one 2",
  "HSETNX a three 3",
  "HSETNX a one 3",
  "HEXPIRE a 100 FIELDS 1 one",
  "HEXPIRE a 0 FIELDS 1 one",
  "HEXPIREAT a 32503680000 FIELDS 1 one",
  "HGETEX a EX 100 FIELDS 1 one",
  "HPERSIST a FIELDS 1 one",
  "HPEXPIRE a 100000 FIELDS 1 one",
  "HPEXPIREAT a 32503680000000 FIELDS 1 one",
  "HSETEX a EX 100 FIELDS 1 three 3",
  "HSETEX a FXX EX 100 FIELDS 1 three 3",
  "LINSERT a BEFORE one zero",
  "LMOVE a b LEFT RIGHT",
  "LPUSH a zero",
  "LPUSHX a zero",
  "LSET a 0 new",
  "RPOPLPUSH a b",
  "RPUSH a four",
  "RPUSHX a four",
  "SADD a four",
  "SADD a one",
  "SMOVE a b one",
  "ZADD a 4 four",
  "ZADD a XX CH 4 five",
  "ZADD a NX INCR 4 one",
  "ZINCRBY a 1 one",
  "PFADD a three",
  "PFDEBUG ENCODING a",
  "PFMERGE a b",
  "GEOADD a 14 38 three",
  "XADD a * field value",
  "XADD a NOMKSTREAM * field value",
  "XAUTOCLAIM a group me 0 0-0",
  "XCLAIM a group me 0 1-1",
  "XGROUP CREATE a other $",
  "XGROUP CREATECONSUMER a group you",
  "XGROUP SETID a group 0",
  "XREADGROUP GROUP group me STREAMS a b > >",
  "XSETID a 9-9"
])

/** Of those, what the second does and the first forgets; the others change nothing where there is nothing. */
const forgetsStructures: Readonly<Record<string, ReadonlyArray<string>>> = {
  a: [
    "BITFIELD a SET u8 0 1",
    "SETBIT a 6 1",
    "HINCRBY a one 1",
    "HINCRBYFLOAT a one 0.5",
    "HMSET a one 2",
    "HSET a one 2",
    "HSETNX a three 3",
    "HSETNX a one 3",
    "HSETEX a EX 100 FIELDS 1 three 3",
    "LPUSH a zero",
    "RPUSH a four",
    "SADD a four",
    "SADD a one",
    "ZADD a 4 four",
    "ZADD a NX INCR 4 one",
    "ZINCRBY a 1 one",
    "PFADD a three",
    "PFMERGE a b",
    "GEOADD a 14 38 three",
    "XADD a * field value"
  ],
  "a,b": ["EVAL return 2 a b x"]
}

const expected = (structures: "fail" | "second"): ReadonlyMap<string, Outcome> =>
  new Map(
    examples.flatMap((example): ReadonlyArray<readonly [string, Outcome]> => {
      if (isRefused(example)) return []
      const line = example.call.join(" ")
      const tables = structures === "fail" ? [forgets] : [forgets, forgetsStructures]
      const [keys] = tables.flatMap((table) => Object.keys(table).filter((keys) => table[keys]?.includes(line)))
      if (keys !== undefined) return [[line, `forgets ${keys}`]]
      if (repeats.has(line)) return [[line, "repeated"]]
      return [[line, structures === "fail" && additions.has(line) ? "fails" : "kept"]]
    })
  )

describe("after an outage, with data in the first store and none in the second", () => {
  for (const structures of ["fail", "second"] as const) {
    test(`every command leaves behind what it should, structures: ${structures}`, () =>
      Effect.map(outcomes(structures), (found) => {
        const wanted = expected(structures)
        assert.strictEqual(found.size, wanted.size)
        for (const [line, outcome] of found) assert.strictEqual(outcome, wanted.get(line), line)
      }))
  }
})
