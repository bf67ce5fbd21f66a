/** The near store by itself: a manual clock, and a channel that says what a test wants. */
import { assert, describe, it } from "@effect/vitest"
import type { Invalidation } from "../../src/schema/Invalidation.ts"
import { ReplyOrder } from "../../src/layers/invalidations/ReplyOrder.ts"
import { absent, type Kept } from "../../src/services/cache/near/NearValue.ts"
import { type NearLimits, NearStore } from "../../src/services/cache/near/NearStore.ts"

const limits: NearLimits = {
  maxEntries: 3,
  maxBytes: 1000,
  timeToLive: Infinity,
  maxStaleness: 100,
  serveFor: 0,
  hold: "read",
  tracking: "broadcast"
}

const live = (server: string): Invalidation => ({ _tag: "Live", server })
const proof = (server: string, sentAt: number): Invalidation => ({ _tag: "Proof", server, sentAt })
const changed = (...keys: ReadonlyArray<string>): Invalidation => ({ _tag: "Keys", keys, own: false })

/** A store whose servers are live and have proven it at 0. */
const storeWith = (changes: Partial<NearLimits> = {}, servers: ReadonlyArray<string> = ["s"]) => {
  const store = new NearStore<string>({ ...limits, ...changes })
  for (const server of servers) {
    store.apply(live(server))
    store.apply(proof(server, 0))
  }
  return store
}

const kept = (value: unknown, bytes = 1): Kept => ({ codec: undefined, value, header: undefined, bytes })

/** Reads the key, as if the reply came at once. */
const fill = (store: NearStore<string>, key: string, value: unknown, terms: Partial<Terms> = {}) => {
  const { bytes = 1, now = 0, pttl = value === absent ? -2 : -1, server = "s" } = terms
  return store.keep(store.begin(key, now), { pttl, sentAt: now, server }, kept(value, bytes))
}

interface Terms {
  readonly now: number
  readonly pttl: number
  readonly server: string
  readonly bytes: number
}

const present = (store: NearStore<string>, now = 0) =>
  ["a", "b", "c", "d"].filter((key) => store.find(key, now) !== undefined)

describe("the keys of a near store", () => {
  const codec = {}
  const storeOf = (changes: Partial<NearLimits> = {}) => {
    const store = new NearStore<string>({ ...limits, ...changes }, "p:1:")
    store.apply(live("s"))
    store.apply(proof("s", 0))
    return store
  }
  const decoded = (value: unknown): Kept => ({ codec, value, header: undefined, bytes: 1 })
  const terms = { pttl: 50, sentAt: 0, server: "s" }
  const header = { format: "j", timing: undefined, tags: undefined, mark: undefined, claim: undefined, length: 0 }

  it("are found as a whole and by what follows the head, whoever has told of it", () => {
    const store = storeOf()
    store.keep(store.begin("p:1:a", 0), terms, decoded("told of as a whole"))
    store.keep(store.begin("p:1:b", 0, codec, "b"), terms, decoded("told of with its rest"))
    for (const key of ["a", "b"]) {
      const found = store.find(`p:1:${key}`, 0)
      assert.isDefined(found)
      assert.deepStrictEqual(store.find(`p:1:${key}`, 0, key), found)
      assert.deepStrictEqual(store.findShared(key, codec, 0), found)
      assert.strictEqual(store.endOf(`p:1:${key}`), 50)
    }
    store.apply(changed("p:1:a"))
    assert.deepStrictEqual([store.findShared("a", codec, 0), store.size], [undefined, 1])
    fill(store, "p:1:c", 1)
    fill(store, "p:1:d", 1)
    fill(store, "p:1:e", 1)
    assert.deepStrictEqual([store.find("p:1:b", 0), store.size, store.bytes], [undefined, 3, 18])
  })

  it("that have no head are others than those whose rest they are", () => {
    const store = storeOf()
    fill(store, "p:1:a", "own")
    fill(store, "a", "other")
    assert.deepStrictEqual([store.find("p:1:a", 0)?.value, store.find("a", 0)?.value], ["own", "other"])
    store.apply(changed("a"))
    assert.deepStrictEqual([store.find("p:1:a", 0)?.value, store.find("a", 0)], ["own", undefined])
  })

  it("are found by their rest alone while the value may be served, and is one that the codec has decoded", () => {
    const store = storeOf({ maxEntries: 10 })
    store.keep(store.begin("p:1:a", 0), terms, decoded(1))
    store.keep(store.begin("p:1:stored", 0), terms, kept("text"))
    store.keep(store.begin("p:1:timed", 0), terms, { ...decoded(1), header })
    store.keep(store.begin("p:1:absent", 0), { ...terms, pttl: -2 }, kept(absent))
    for (const key of ["stored", "timed", "absent", "none"]) assert.isUndefined(store.findShared(key, codec, 0))
    assert.isUndefined(store.findShared("a", {}, 0))
    assert.isDefined(store.findShared("a", codec, 49))
    assert.isUndefined(store.findShared("a", codec, 50))
    store.keep(store.begin("p:1:a", 50), { ...terms, pttl: -1, sentAt: 50 }, decoded(1))
    assert.isDefined(store.findShared("a", codec, 100))
    assert.isUndefined(store.findShared("a", codec, 101))
    store.apply(proof("s", 101))
    assert.isDefined(store.findShared("a", codec, 101))
  })
})

describe("the bounds of a near store", () => {
  it("the least recently used entry goes first", () => {
    const store = storeWith()
    for (const key of ["a", "b", "c"]) fill(store, key, 1)
    store.find("a", 0)
    fill(store, "d", 1)
    assert.deepStrictEqual(present(store), ["a", "c", "d"])
    assert.strictEqual(store.counts.evictions, 1)
  })

  it("keys and stored forms are counted in bytes; what is larger than all of it is not kept", () => {
    const store = storeWith()
    fill(store, "a", 1, { bytes: 499 })
    fill(store, "ü", 1, { bytes: 498 })
    assert.strictEqual(store.bytes, 1000)
    fill(store, "b", 1)
    assert.deepStrictEqual([store.size, store.bytes], [2, 502])
    assert.isFalse(fill(store, "b", 1, { bytes: 1000 }))
    assert.deepStrictEqual([store.size, store.bytes, present(store)], [1, 500, []])
  })

  it("nothing is left of what was dropped", () => {
    const store = storeWith({}, ["s", "t"])
    fill(store, "a", 1)
    fill(store, "b", 1, { server: "t" })
    store.apply({ _tag: "Everything", server: "t", reason: "flush" })
    assert.deepStrictEqual([store.size, store.bytes, present(store)], [1, 2, ["a"]])
    store.apply({ _tag: "Everything", server: undefined, reason: "flush" })
    assert.deepStrictEqual([store.size, store.bytes, present(store)], [0, 0, []])
    fill(store, "c", 1, { server: "t" })
    store.apply({ _tag: "Down", server: "t", reason: "gone", cause: "lost" })
    assert.deepStrictEqual([store.size, store.bytes, store.counts.invalidations], [0, 0, 3])
  })
})

describe("proofs of a near store", () => {
  it("without one nothing is served; a later one makes it good again", () => {
    const store = new NearStore<string>(limits)
    assert.isFalse(fill(store, "a", 1))
    store.apply(live("s"))
    assert.isTrue(fill(store, "a", 1))
    assert.deepStrictEqual(present(store), [])
    store.apply(proof("s", 10))
    assert.deepStrictEqual(present(store, 110), ["a"])
    assert.deepStrictEqual(present(store, 111), [])
    store.apply(proof("s", 50))
    assert.deepStrictEqual(present(store, 111), ["a"])
    store.apply(proof("s", 20))
    assert.deepStrictEqual(present(store, 150), ["a"])
  })

  it("each server vouches for its own keys, and all of them for a kept miss", () => {
    const store = storeWith({}, ["s", "t"])
    fill(store, "a", 1, { server: "s" })
    fill(store, "b", 1, { server: "t" })
    fill(store, "c", absent, { server: "s" })
    store.apply(proof("s", 90))
    assert.deepStrictEqual(present(store, 150), ["a"])
    store.apply(proof("t", 80))
    assert.deepStrictEqual(present(store, 150), ["a", "b", "c"])
    store.apply({ _tag: "Down", server: "t", reason: "lost", cause: "lost" })
    assert.deepStrictEqual(present(store, 150), ["a"])
    assert.isFalse(store.proofs.isLive)
    store.apply({ _tag: "Down", server: "t", reason: "no slots", cause: "left" })
    assert.isTrue(store.proofs.isLive)
    assert.deepStrictEqual(present(store, 150), ["a", "c"])
  })

  it("one key at a time, a miss lives no longer than a value may be stale", () => {
    const store = storeWith({ tracking: "perKey" }, ["s", "t"])
    fill(store, "a", absent)
    store.apply(proof("s", 90))
    assert.deepStrictEqual(present(store, 99), ["a"])
    assert.deepStrictEqual(present(store, 100), [])
  })

  it("what a channel kept before it broke is gone, and what was read meanwhile is not kept", () => {
    const store = storeWith()
    fill(store, "a", 1)
    const before = store.begin("b", 0)
    store.apply({ _tag: "Down", server: "s", reason: "lost", cause: "lost" })
    const between = store.begin("c", 0)
    store.apply(live("s"))
    store.apply(proof("s", 0))
    for (const one of [before, between]) {
      assert.isFalse(store.keep(one, { pttl: -1, sentAt: 0, server: "s" }, kept(1)))
    }
    assert.deepStrictEqual(present(store), [])
  })
})

describe("lifetimes of a near store", () => {
  it("end with the server's, counted from the sending of the read", () => {
    const store = storeWith({ maxStaleness: Infinity })
    fill(store, "a", 1, { now: 10, pttl: 50 })
    assert.deepStrictEqual(present(store, 59), ["a"])
    assert.deepStrictEqual(present(store, 60), [])
    assert.strictEqual(store.size, 0)
  })

  it("end with the store's own, which is never longer", () => {
    const store = storeWith({ maxStaleness: Infinity, timeToLive: 30 })
    fill(store, "a", 1, { pttl: 50 })
    fill(store, "b", 1, { pttl: -1 })
    fill(store, "c", 1, { pttl: 20 })
    assert.deepStrictEqual(present(store, 20), ["a", "b"])
    assert.deepStrictEqual(present(store, 30), [])
  })

  it("a value that ended before its lifetime was read is not kept, and neither is a miss of a key that came", () => {
    const store = storeWith()
    assert.isFalse(fill(store, "a", 1, { pttl: -2 }))
    assert.isFalse(fill(store, "a", absent, { pttl: 1000 }))
    assert.isTrue(fill(store, "a", absent))
  })
})

describe("reads under way of a near store", () => {
  const reply = { pttl: -1, sentAt: 0, server: "s" }

  it("are not kept after a change of their key, whoever made it", () => {
    const store = storeWith()
    const one = store.begin("a", 0)
    const other = store.begin("b", 0)
    store.apply(changed("a", "c"))
    assert.isFalse(store.keep(one, reply, kept(1)))
    assert.isTrue(store.keep(other, reply, kept(1)))
    assert.deepStrictEqual([present(store), store.counts.discarded], [["b"], 1])
  })

  it("are not kept after a change of everything", () => {
    const store = storeWith()
    const one = store.begin("a", 0)
    store.apply({ _tag: "Everything", server: undefined, reason: "flush" })
    assert.isFalse(store.keep(one, reply, kept(1)))
  })

  it("replace or drop what was there, also where they are not kept", () => {
    const store = storeWith()
    fill(store, "a", 1)
    store.keep(store.begin("a", 0), reply, kept(2))
    assert.strictEqual(store.find("a", 0)?.value, 2)
    store.keep(store.begin("a", 0), reply, undefined)
    assert.isUndefined(store.find("a", 0))
    fill(store, "a", 3)
    store.keep(store.begin("a", 0), { ...reply, server: undefined }, kept(4))
    assert.isUndefined(store.find("a", 0))
  })

  it("of two at a time the later reply is kept where they come over one connection", () => {
    const order = new ReplyOrder()
    const store = storeWith()
    const [first, second, third] = [store.begin("a", 0), store.begin("a", 0), store.begin("a", 0)]
    store.apply(changed("a"))
    const fourth = store.begin("a", 0)
    const [one, two] = [order.next(), order.next()]
    assert.isFalse(store.keep(first, { ...reply, place: one }, kept(1)))
    assert.isTrue(store.keep(fourth, { ...reply, place: order.next() }, kept(4)))
    assert.strictEqual(store.find("a", 0)?.value, 4)
    // Whoever was to keep them has come late.
    assert.isFalse(store.keep(second, { ...reply, place: two }, kept(2)))
    assert.isFalse(store.keep(third, reply, kept(3)))
    assert.deepStrictEqual([present(store), store.marks.size], [[], 0])
  })

  it("of two at a time over one connection none is kept whose reply came before another's", () => {
    const order = new ReplyOrder()
    const store = storeWith()
    const [first, second, third] = [store.begin("a", 0), store.begin("a", 0), store.begin("a", 0)]
    const [one, two, other] = [order.next(), order.next(), new ReplyOrder().next()]
    assert.isTrue(store.keep(second, { ...reply, place: two }, kept(2)))
    assert.isTrue(first.isBehind(one))
    assert.isFalse(store.keep(first, { ...reply, place: one }, kept(1)))
    assert.isFalse(store.keep(third, { ...reply, place: other }, kept(3)))
    assert.deepStrictEqual([present(store), store.marks.size], [[], 0])
  })

  it("of two at a time only the first reply is kept where nobody knows which is the newer one", () => {
    const store = storeWith()
    const first = store.begin("a", 0)
    const second = store.begin("a", 0)
    const third = store.begin("a", 0)
    assert.isTrue(store.keep(second, reply, kept(2)))
    assert.isFalse(store.keep(first, reply, kept(1)))
    assert.isFalse(store.keep(third, reply, kept(3)))
    assert.deepStrictEqual([present(store), store.marks.size], [[], 0])
  })

  it("are shared with those who ask meanwhile, until something happens", () => {
    const store = storeWith()
    const codec = {}
    const one = store.begin("a", 0, codec)
    assert.strictEqual(store.joinable("a", 100, codec), one)
    // It may have been executed a moment after it was sent.
    assert.isUndefined(store.joinable("a", 101, codec))
    assert.isUndefined(store.joinable("a", 0, {}))
    assert.isUndefined(store.joinable("b", 0, codec))
    store.apply(changed("a"))
    assert.isUndefined(store.joinable("a", 0, codec))
    const next = store.begin("a", 0, codec)
    assert.strictEqual(store.joinable("a", 0, codec), next)
    store.apply({ _tag: "Everything", server: "s", reason: "failover" })
    assert.isUndefined(store.joinable("a", 0, codec))
  })

  it("tell those who joined once, and nobody who has gone", () => {
    const store = storeWith()
    const told: Array<string> = []
    const one = store.begin("a", 0)
    one.join(() => told.push("first"))
    const leave = one.join(() => told.push("second"))
    one.join(() => told.push("third"))
    leave()
    one.tell(undefined)
    one.tell("too late")
    assert.deepStrictEqual(told, ["first", "third"])
  })

  it("leave nothing behind when they are given up", () => {
    const store = storeWith()
    const all = [1, 2, 3].map(() => store.begin("a", 0))
    for (const i of [1, 0, 2]) store.giveUp(all[i]!)
    store.giveUp(all[0]!)
    assert.strictEqual(store.marks.size, 0)
  })
})

describe("a near store that serves while a server is down", () => {
  const keepAt = (store: ReturnType<typeof storeWith>, key: string, server = "s") =>
    store.keep(store.begin(key, 0), { pttl: -1, sentAt: 0, server }, kept(key))
  const down = (server: string | undefined, cause: "lost" | "left" = "lost"): Invalidation => ({
    _tag: "Down",
    server,
    reason: "a test",
    cause
  })

  it("serves what was proven so long ago at most, and counts it", () => {
    const store = storeWith({ serveFor: 1000 })
    keepAt(store, "a")
    assert.isUndefined(store.find("a", 101))
    store.apply(down("s"), 150)
    assert.strictEqual(store.find("a", 1000)?.value, "a")
    assert.isUndefined(store.find("a", 1001))
    assert.deepStrictEqual([store.proofs.suspendedAt, store.counts.unproven], [0, 1])
  })

  it("drops it when the server announces again, has left, or has changed as a whole", () => {
    for (const event of [
      live("s"),
      down("s", "left"),
      { _tag: "Everything", server: "s", reason: "a test" } as const
    ]) {
      const store = storeWith({ serveFor: 1000 })
      keepAt(store, "a")
      store.apply(down(undefined), 10)
      assert.strictEqual(store.find("a", 20)?.value, "a")
      store.apply(event)
      assert.isUndefined(store.find("a", 30))
      assert.strictEqual(store.size, 0)
    }
  })

  it("serves nothing that this process has changed, and keeps nothing new", () => {
    const store = storeWith({ serveFor: 1000 })
    keepAt(store, "a")
    const fill = store.begin("b", 5)
    store.apply(down("s"), 10)
    store.apply({ _tag: "Keys", keys: ["a"], own: true })
    assert.isUndefined(store.find("a", 20))
    assert.isFalse(store.keep(fill, { pttl: -1, sentAt: 5, server: "s" }, kept("b")))
  })

  it("knows which servers are overdue, and serves by that until they prove themselves again", () => {
    const store = storeWith({ serveFor: 1000 }, ["s", "t"])
    keepAt(store, "a")
    store.apply(proof("t", 200))
    assert.deepStrictEqual(store.proofs.overdue(150), ["s"])
    store.proofs.suspend("s", 250)
    assert.deepStrictEqual(store.proofs.overdue(150), [])
    assert.strictEqual(store.find("a", 300)?.value, "a")
    store.apply(proof("s", 290))
    assert.strictEqual(store.find("a", 300)?.value, "a")
    assert.strictEqual(store.counts.unproven, 1)
    assert.isUndefined(store.find("a", 391))
  })
})
