/** Reading what a cluster says of itself, without one. */
import { assert, describe, it } from "@effect/vitest"
import { parseRedirect, parseSlots } from "../../src/layers/connection/cluster/SlotTable.ts"
import { translate } from "../../src/schema/natMap.ts"
import { slotCount } from "../../src/layers/connection/cluster/slot.ts"

const asked = { host: "asked", port: 7000 }
const nowhere = new Map<string, typeof asked>()
const nat = new Map([["10.0.0.1:6379", { host: "public", port: 16379 }]])

const server = (host: unknown, port: unknown) => [host, port, "id", []]

describe("CLUSTER SLOTS", () => {
  it("says who serves each slot; one that nobody serves has none", () => {
    const table = parseSlots(
      [
        [0, 99, server("a", 1), server("b", 2)],
        [200, slotCount - 1, server("c", 3)]
      ],
      asked,
      nowhere
    )
    assert.deepStrictEqual(table?.shards[0], { primary: "a:1", replicas: ["b:2"] })
    assert.deepStrictEqual(table?.shards[99], { primary: "a:1", replicas: ["b:2"] })
    assert.isUndefined(table?.shards[100])
    assert.isUndefined(table?.shards[199])
    assert.deepStrictEqual(table?.shards[slotCount - 1], { primary: "c:3", replicas: [] })
    assert.strictEqual(table?.shards.length, slotCount)
    assert.deepStrictEqual(
      [...(table?.endpoints ?? [])],
      [
        ["a:1", { host: "a", port: 1 }],
        ["b:2", { host: "b", port: 2 }],
        ["c:3", { host: "c", port: 3 }]
      ]
    )
  })

  it("slots of the same servers are seen to be of one shard, be they in several ranges", () => {
    const table = parseSlots(
      [
        [0, 1, server("a", 1)],
        [5, 6, server("a", 1)],
        [7, 7, server("a", 2)]
      ],
      asked,
      nowhere
    )
    assert.strictEqual(table?.shards[0], table?.shards[6])
    assert.notStrictEqual(table?.shards[0], table?.shards[7])
  })

  it("a server that does not know its host is the one that was asked; one that nobody knows is left out", () => {
    const table = parseSlots([[0, 0, server("", 1), server("?", 2), server(null, 3)]], asked, nowhere)
    assert.deepStrictEqual(table?.shards[0], { primary: "asked:1", replicas: ["asked:3"] })
  })

  it("an address that the map knows is where the map says, at the primary's place and the replica's", () => {
    const ranges = [
      [0, 0, server("10.0.0.1", 6379)],
      [1, 1, server("a", 1), server("10.0.0.1", 6379)]
    ]
    const table = parseSlots(ranges, asked, nat)
    assert.deepStrictEqual(table?.shards[0], { primary: "public:16379", replicas: [] })
    assert.deepStrictEqual(table?.shards[1], { primary: "a:1", replicas: ["public:16379"] })
    assert.deepStrictEqual(translate({ host: "10.0.0.1", port: 6380 }, nat), { host: "10.0.0.1", port: 6380 })
  })

  it("a server without the name that the cluster prefers is at its address", () => {
    const unnamed = ["?", 1, "id", ["ip", "10.0.0.9"]]
    const table = parseSlots([[0, 0, unnamed, server("b", 2)]], asked, nowhere)
    assert.deepStrictEqual(table?.shards[0], { primary: "10.0.0.9:1", replicas: ["b:2"] })
  })

  it("a primary that nobody can find serves nothing; the slots of others are theirs", () => {
    for (const lost of [server("?", 1), server("a", 70_000), server("a", "port"), []]) {
      const table = parseSlots(
        [
          [0, 1, lost, server("b", 2)],
          [2, 3, server("c", 3)],
          [4, 4]
        ],
        asked,
        nowhere
      )
      assert.isUndefined(table?.shards[0], JSON.stringify(lost))
      assert.deepStrictEqual(table?.shards[2], { primary: "c:3", replicas: [] })
      assert.isUndefined(table?.shards[4])
    }
  })

  it("anything else is no answer to it", () => {
    const wrong: ReadonlyArray<unknown> = [
      undefined,
      null,
      "OK",
      { 0: 1 },
      [null],
      [["0", 1, server("a", 1)]],
      [[-1, 1, server("a", 1)]],
      [[0, slotCount, server("a", 1)]],
      [[0, 1.5, server("a", 1)]],
      [[0, 1, "a:1"]],
      [[0, 1, server("a", 1), 2]]
    ]
    for (const reply of wrong) assert.isUndefined(parseSlots(reply, asked, nowhere), JSON.stringify(reply))
    assert.isDefined(parseSlots([], asked, nowhere))
  })
})

describe("redirections", () => {
  it("name a slot and a server", () => {
    assert.deepStrictEqual(parseRedirect("MOVED 3999 a:6381", asked, nowhere), {
      kind: "MOVED",
      slot: 3999,
      endpoint: { host: "a", port: 6381 }
    })
    assert.deepStrictEqual(parseRedirect("ASK 0 10.0.0.1:6379\r\n", asked, nat), {
      kind: "ASK",
      slot: 0,
      endpoint: { host: "public", port: 16379 }
    })
  })

  it("their host may hold colons; where there is none it is the server's that answered", () => {
    assert.deepStrictEqual(parseRedirect("MOVED 1 ::1:6379", asked, nowhere)?.endpoint, { host: "::1", port: 6379 })
    assert.deepStrictEqual(parseRedirect("MOVED 1 :6379", asked, nowhere)?.endpoint, { host: "asked", port: 6379 })
    assert.deepStrictEqual(parseRedirect("ASK 1 ?:6379", asked, nowhere)?.endpoint, { host: "asked", port: 6379 })
  })

  it("anything else is none", () => {
    for (const message of [
      "",
      "ERR no",
      "MOVED a:1",
      "MOVED 1 a",
      "MOVED 1 a:port",
      `MOVED ${slotCount} a:1`,
      "MOVED -1 a:1",
      "MOVED 1 a:70000",
      "moved 1 a:1",
      "x MOVED 1 a:1"
    ]) {
      assert.isUndefined(parseRedirect(message, asked, nowhere), message)
    }
  })
})
