/** The table of commands against what a Valkey 8 says of itself. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { ValkeyClient, ValkeyStandalone } from "effect-vcache"
import { type CommandRow, keysOf } from "../../src/layers/commands/CommandRow.ts"
import { commandTable, rowOf } from "../../src/layers/commands/commandTable.ts"
import type { KeyPlace, KeyUse } from "../../src/layers/commands/keyPlaces.ts"
import { everywhere, sum } from "../../src/layers/commands/merges.ts"
import { isInMemory } from "../../src/layers/memory/interpreter.ts"
import { examples, given } from "../support/commandExamples.ts"
import { startServer, startServerWith } from "../support/ValkeyServer.ts"

const rows = new Map<string, CommandRow>(
  [...commandTable.values()]
    .flatMap((row) => [row].concat([...(row.subcommands?.values() ?? [])]))
    .map((row) => [row.name, row])
)

/** The reply to COMMAND for one command, by the names of the table. */
interface ServerRow {
  readonly flags: ReadonlyArray<string>
  readonly request: string | undefined
  readonly response: string | undefined
  readonly keys: ReadonlyArray<ServerKeys>
}

interface ServerKeys {
  readonly flags: ReadonlyArray<string>
  readonly begin: string
  readonly find: string
}

const texts = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** A reply of names and values by turns. */
const fields = (value: unknown): ReadonlyMap<string, unknown> =>
  new Map(list(value).flatMap((name, i, all) => (i % 2 === 0 ? [[String(name), all[i + 1]] as const] : [])))

const searchOf = (value: unknown): string => {
  const search = fields(value)
  return [search.get("type"), ...texts(search.get("spec"))].join(" ")
}

const serverRows = (reply: unknown): ReadonlyArray<readonly [string, ServerRow]> =>
  list(reply).flatMap((item): ReadonlyArray<readonly [string, ServerRow]> => {
    const [name, , flags, , , , , tips, keys, subcommands] = list(item)
    const policy = (kind: string) =>
      texts(tips)
        .find((tip) => tip.startsWith(`${kind}_policy:`))
        ?.split(":")[1]
    const row: ServerRow = {
      flags: texts(flags),
      request: policy("request"),
      response: policy("response"),
      keys: list(keys).map((spec) => ({
        flags: texts(fields(spec).get("flags")),
        begin: searchOf(fields(spec).get("begin_search")),
        find: searchOf(fields(spec).get("find_keys"))
      }))
    }
    const named = [String(name).toUpperCase().replace("|", " "), row] as const
    return [named].concat(serverRows(subcommands))
  })

/** Help texts. A program has no use for them, and sending them does no harm. */
const isHelp = (name: string) => name.endsWith(" HELP")

/** The server's own words for a place. Its arguments are counted with the name, and with the subcommand. */
const inServersWords = ({ begin, find }: KeyPlace): Pick<ServerKeys, "begin" | "find"> => ({
  begin: "at" in begin ? `index index ${begin.at + 1}` : `keyword keyword ${begin.keyword} startfrom ${begin.from + 1}`,
  find:
    find === "counted"
      ? "keynum keynumidx 0 firstkey 1 keystep 1"
      : `range lastkey ${find.last} keystep ${find.step} limit ${find.share === 1 ? 0 : find.share}`
})

/** What the server's flags say of a use. */
const usesOf = (flags: ReadonlyArray<string>): ReadonlyArray<KeyUse> => {
  if (flags.includes("RO")) return ["reads"]
  if (flags.includes("OW")) return ["replaces"]
  if (flags.includes("RM")) return ["deletes"]
  return flags.includes("delete") ? ["removes", "pops"] : ["adds", "changes", "retimes"]
}

/** Uses that the table knows better than the flags, or more exactly. */
const otherUses: Readonly<Record<string, readonly [KeyUse, string]>> = {
  GETDEL: ["deletes", "the key goes, not a part of it"],
  GETSET: ["replaces", "what it held is only told"],
  MIGRATE: ["deletes", "the keys go to another server"],
  MOVE: ["deletes", "the key goes to another database"],
  PFCOUNT: ["reads", "it writes what it has counted beside the sketch, which stays what it is"],
  RENAME: ["deletes", "the key goes"],
  RENAMENX: ["deletes", "the key goes"],
  SET: ["replaces", "what it held is only told, with GET"],
  XACK: ["removes", "the entry is no more among those that are pending"],
  XAUTOCLAIM: ["adds", "it hands entries out, and cannot be repeated"],
  XREADGROUP: ["adds", "the group and its consumers change"]
}

/** Places that the server cannot say in its own words. */
const otherPlaces: Readonly<Record<string, string>> = {
  MIGRATE: "the first may be empty, and the keyword is looked for from the end",
  SORT: "the patterns of BY and GET are no keys, and STORE may stand anywhere",
  SORT_RO: "the patterns of BY and GET are no keys"
}

/** Commands that change something, though the server does not count them among the writes. */
const noWrites: ReadonlySet<string> = new Set(["EVAL", "EVALSHA", "FCALL", "PUBLISH", "SPUBLISH", "EXEC"])

/** Commands that go to one server of a cluster, or are not sent at all, although the server would have them sent to several. */
const toOneServer: Readonly<Record<string, string>> = {
  "CLIENT SETINFO": "it concerns its own connection",
  "CLIENT SETNAME": "it concerns its own connection",
  "CLUSTER SLOT-STATS": "each server tells of its own slots",
  INFO: "the client has `info` for all of them",
  "FUNCTION STATS": "each server tells of itself",
  "LATENCY DOCTOR": "each server tells of itself",
  "LATENCY GRAPH": "each server tells of itself",
  "LATENCY HISTOGRAM": "each server tells of itself",
  "LATENCY HISTORY": "each server tells of itself",
  "LATENCY LATEST": "each server tells of itself",
  "MEMORY DOCTOR": "each server tells of itself",
  "MEMORY MALLOC-STATS": "each server tells of itself",
  "MEMORY STATS": "each server tells of itself",
  RANDOMKEY: "a key of one is as good as one of another",
  SCAN: "the client has `scan` for all of them",
  "SLOWLOG GET": "each server tells of itself",
  WAIT: "it concerns the writes of its own connection",
  WAITAOF: "it concerns the writes of its own connection"
}

/** The commands that a Valkey 8 knows, and later ones. */
const [ofThisAge, later] = [false, true].map((isLater) =>
  [...rows].filter(([, { since }]) => (since !== undefined) === isLater)
)

describe("the table of commands", () => {
  it.effect("knows what the server says of each command", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call } = yield* startServer()
        assert.match(String(yield* call("INFO", "server")), /valkey_version:8\./)
        const found = new Map(serverRows(yield* call("COMMAND")))
        assert.isAbove(found.size, 350)
        assert.sameMembers(
          ofThisAge!.map(([name]) => name),
          [...found.keys()].filter((name) => !isHelp(name))
        )
        const ofValkey9 = yield* startServerWith({ later: true })
        for (const [name, row] of serverRows(yield* ofValkey9.call("COMMAND"))) {
          if (later!.some(([known]) => known === name)) found.set(name, row)
        }
        for (const [name, row] of rows) {
          const { flags, keys, request, response } = found.get(name)!
          const data = keys.filter(
            ({ begin, flags }) => !flags.includes("not_key") && !(flags.includes("RO") && begin === "unknown")
          )

          if (otherPlaces[name] === undefined) {
            assert.deepStrictEqual(
              row.keys.map(inServersWords),
              data.map(({ begin, find }) => ({ begin, find })),
              `keys of ${name}`
            )
          } else assert.isAtLeast(data.length, 1, name)
          row.keys.forEach(({ use }, i) => {
            const uses = usesOf(data[i]?.flags ?? data.at(-1)!.flags)
            const other = i === 0 || name === "MIGRATE" ? otherUses[name] : undefined
            if (other === undefined) assert.include(uses, use, `use of ${name}`)
            else {
              assert.notInclude(uses, use, `${name} needs no exception`)
              assert.strictEqual(use, other[0], name)
            }
          })

          if (flags.includes("write")) assert.isTrue(row.changes, `${name} changes`)
          if (flags.includes("readonly")) assert.isFalse(row.changes, `${name} changes nothing`)
          if (row.changes && !flags.includes("write") && !noWrites.has(name)) {
            assert.isEmpty(row.keys, name)
            assert.isTrue(row.memory !== "yes" || row.subcommands !== undefined, `${name} administers`)
          }
          assert.strictEqual(row.blocks !== undefined, flags.includes("blocking"), `${name} blocks`)
          assert.strictEqual(row.channel === "itsServer", name === "SPUBLISH", `${name} has a channel`)
          if (flags.includes("no_multi") || name.endsWith("SUBSCRIBE")) {
            if (row.changes) assert.include(["SAVE", "SHUTDOWN"], name)
            else assert.isTrue(row.refused !== undefined || row.own !== undefined, `${name} is not for everybody`)
          }

          assert.strictEqual(row.spread?.over === "keys", request === "multi_shard", `${name} by key`)
          const { spread } = row
          assert.strictEqual(
            spread?.over === "servers",
            request?.startsWith("all_") === true && toOneServer[name] === undefined,
            `${name} to every server`
          )
          if (spread?.over === "servers") {
            assert.strictEqual(spread.merge === sum, response === "agg_sum", `${name} is a sum`)
            assert.strictEqual(spread.oneIsEnough === true, response === "one_succeeded", `${name} of one`)
            assert.strictEqual(spread.merge === everywhere, response === "agg_logical_and", `${name} of all`)
          } else if (toOneServer[name] !== undefined) assert.isDefined(request, name)
        }
      })
    )
  )

  it.effect("finds the keys that the server finds", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call } = yield* startServer()
        const ofValkey9 = yield* startServerWith({ later: true })
        for (const { call: example } of examples) {
          const [name, ...args] = example
          const row = rowOf(name!, args)
          const ask = row.since === undefined ? call : ofValkey9.call
          const expected = texts(yield* ask("COMMAND", "GETKEYS", ...example))
          // Where the first key may be empty, the server counts it.
          const found = name === "MIGRATE" ? expected.filter((key) => key !== "") : expected
          assert.sameMembers([...keysOf(row, args)].map(String), [...found], example.join(" "))
        }
        const called = new Set(examples.map(({ call: [name, ...args] }) => rowOf(name!, args)))
        for (const row of rows.values()) {
          assert.strictEqual(called.has(row), row.keys.length > 0, `${row.name} is among the examples`)
        }
      })
    )
  )

  it.effect("never says that nothing was changed where the server has changed something", () =>
    Effect.scoped(
      Effect.gen(function* () {
        // It knows the commands of all ages.
        const { call, url } = yield* startServerWith({ later: true })
        const client = Context.get(yield* Layer.build(ValkeyStandalone.layer({ url })), ValkeyClient)
        const changes = Effect.map(
          call("INFO", "persistence"),
          (info) => /rdb_changes_since_last_save:(\d+)/.exec(String(info))?.[1]
        )
        for (const example of examples) {
          const [name = "", ...args] = example.call
          const row = rowOf(name, args)
          if (row.own !== undefined || (row.blocks !== undefined && !("keyword" in row.blocks))) continue
          for (const types of [[], example.given === undefined ? [] : [example.given]]) {
            yield* client.send("FLUSHALL", [])
            const data = types.flatMap((type) => ["a", "b"].flatMap((key) => given[type](key)))
            for (const [name = "", ...args] of data) yield* client.send(name, args)
            const before = yield* changes
            const reply = yield* Effect.option(client.send(name, args))
            const hasChanged = before !== (yield* changes)
            const isKnown = Option.isNone(reply) || !row.changed(reply.value, args)
            assert.isFalse(hasChanged && isKnown, example.call.join(" "))
          }
        }
      })
    )
  )

  it("says of each command whether the store in memory has it", () => {
    for (const row of rows.values()) assert.strictEqual(row.memory === "yes", isInMemory(row), row.name)
  })

  it("knows a command in either case, by its subcommand, and of one that it does not know the first key", () => {
    assert.strictEqual(rowOf("get", ["k"]), rowOf("GET", ["k"]))
    assert.strictEqual(rowOf("xinfo", ["stream", "k"]).name, "XINFO STREAM")
    assert.strictEqual(rowOf("XINFO", [Buffer.from("stream"), "k"]).name, "XINFO STREAM")
    assert.strictEqual(rowOf("CONFIG", []).name, "CONFIG")
    const unlisted = rowOf("FT.SEARCH", ["index", "query"])
    assert.deepStrictEqual(keysOf(unlisted, ["index", "query"]), ["index"])
    assert.isTrue(unlisted.changes && !unlisted.reads)
  })

  it("says what may be sent again, and what is a loss", () => {
    const again = (...[name, ...args]: readonly [string, ...ReadonlyArray<string>]) => rowOf(name, args).again
    assert.deepStrictEqual([again("GET", "k"), again("PING"), again("XINFO", "STREAM", "k")], Array(3).fill("anywhere"))
    assert.deepStrictEqual([again("SCAN", "0"), again("HSCAN", "k", "0")], ["sameServer", "sameServer"])
    for (const name of ["SET", "GETEX", "XREADGROUP", "EVAL", "PUBLISH", "FLUSHALL", "WATCH", "EXEC", "SUBSCRIBE"]) {
      assert.strictEqual(again(name), "never", name)
    }
    assert.isTrue(rowOf("SET", []).changes)
    assert.isFalse(rowOf("GET", []).changes)
  })
})
