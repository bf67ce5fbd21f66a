/** What is remembered of an outage, and who waits when it ends: without a server. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { CacheConnectionError, ValkeyClient, ValkeyFallback, ValkeyMemory } from "effect-vcache"
import { Arrears } from "../../src/layers/fallback/Arrears.ts"
import { DeletedPatterns, leadOf } from "../../src/layers/fallback/DeletedPatterns.ts"
import { KeySet } from "../../src/layers/fallback/KeySet.ts"
import { Notes } from "../../src/layers/fallback/Notes.ts"
import { Standby } from "../../src/layers/fallback/Standby.ts"
import { toldOf } from "../../src/layers/fallback/told.ts"

const all = () => true
const told = (...[name, ...args]: readonly [string, ...ReadonlyArray<string>]) => toldOf({ name, args })
const outage = new CacheConnectionError({
  operation: "GET",
  phase: "connect",
  code: "ECONNREFUSED",
  node: undefined,
  mayHaveExecuted: false
})

describe("patterns that were deleted", () => {
  it("count once where they are equal", () => {
    const patterns = new DeletedPatterns()
    // Every call of `deletePattern` comes with a function of its own.
    for (let i = 0; i < 5000; i++) assert.isFalse(patterns.add({ match: "a:*", deletes: (key) => key !== "a:x" }))
    assert.isBelow(patterns.all().length, 10)
    assert.isTrue(patterns.all().every(({ match }) => match === "a:*"))
  })

  it("are none of them forgotten where there are too many: their common beginning takes their place, and it is said", () => {
    const patterns = new DeletedPatterns()
    const said = Array.from({ length: 2500 }, (_, i) => patterns.add({ match: `app\\*:${i}?*`, deletes: () => false }))
    assert.isTrue(said.some(Boolean))
    const kept = patterns.all()
    assert.isAtMost(kept.length, 1000)
    const first = kept.find(({ match }) => match === "app\\*:*")
    assert.isTrue(first?.deletes("app*:0x"))
  })

  it("that have nothing in common are all", () => {
    const patterns = new DeletedPatterns()
    for (let i = 0; i <= 1000; i++) patterns.add({ match: `${String.fromCharCode(97 + (i % 26))}${i}*`, deletes: all })
    assert.deepStrictEqual(
      patterns.all().map(({ match }) => match),
      ["*"]
    )
  })

  it("begin with what stands before the first wildcard", () => {
    assert.deepStrictEqual(["a*", "a\\*b?", "[ab]c", "abc", "a\\"].map(leadOf), ["a", "a*b", "", "abc", "a\\"])
  })
})

describe("what the first is told", () => {
  const arrearsOf = (
    ...commands: ReadonlyArray<readonly [ReturnType<typeof told>, Parameters<Arrears["note"]>[1]]>
  ) => {
    const arrears = new Arrears()
    for (const [command, reply] of commands) arrears.note(command, reply, 1_000_000)
    return arrears
  }
  const forgotten = (arrears: Arrears) => arrears.forgotten.all().map(String)

  it("is decided by the reply", () => {
    const arrears = arrearsOf(
      [told("SET", "a", "1"), "OK"],
      [told("SET", "b", "1", "NX"), null],
      [told("SET", "c", "1", "GET"), null],
      [told("DEL", "d", "e"), 0],
      [told("EXPIRE", "f", "100"), 0],
      [told("EXPIRE", "g", "100"), 1],
      [told("PEXPIRE", "h", "-5"), 0],
      [told("EXPIREAT", "i", "999"), 0],
      [told("GETEX", "j", "PXAT", "999999"), null],
      [told("GETEX", "k", "PXAT", "1000001"), null],
      [told("MSETNX", "l", "1"), 0],
      [told("GET", "m"), "1"]
    )
    assert.deepStrictEqual(forgotten(arrears), ["a", "c", "d", "e", "g", "h", "i", "j"])
  })

  it("is careful where nobody knows", () => {
    assert.deepStrictEqual(forgotten(arrearsOf([told("SETNX", "a", "1"), undefined], [told("LPOP", "b"), undefined])), [
      "a"
    ])
  })

  it("repeats removals once, forgets nothing for them, and begins anew with a flush", () => {
    const arrears = arrearsOf([told("HDEL", "a", "f"), 0], [told("hdel", "a", "f"), 1], [told("SREM", "b", "m"), 0])
    assert.strictEqual(arrears.removals.size, 2)
    assert.deepStrictEqual(forgotten(arrears), [])
    arrears.note(told("flushall", "ASYNC"), "OK", 0)
    arrears.note(told("SET", "c", "1"), "OK", 0)
    assert.strictEqual(arrears.flush, "FLUSHALL")
    assert.strictEqual(arrears.removals.size, 0)
    assert.deepStrictEqual(forgotten(arrears), ["c"])
  })

  it("is kept together where it could not be told", () => {
    const arrears = arrearsOf([told("SET", "a", "1"), "OK"], [told("FLUSHDB"), "OK"], [told("SET", "b", "1"), "OK"])
    const taken = arrears.take()
    assert.isTrue(arrears.isEmpty)
    arrears.note(told("SET", "c", "1"), "OK", 0)
    arrears.addAll(taken)
    assert.strictEqual(arrears.flush, "FLUSHDB")
    assert.sameMembers(forgotten(arrears), ["b", "c"])
  })

  it("keys of bytes are themselves", () => {
    const keys = new KeySet()
    const bytes = Buffer.from([0xff, 0xfe])
    for (const key of ["a", Buffer.from("a"), bytes, Buffer.from(bytes)]) keys.add(key)
    assert.deepStrictEqual(keys.all(), ["a", bytes])
  })

  it.effect("ends where it would be too much: nothing more is remembered, and what changes nothing goes on", () =>
    Effect.gen(function* () {
      const notes = new Notes()
      const set = (i: number) => told("SET", `k${i}`, "1")
      for (let i = 0; i < 100_000; i++) notes.note(set(i), "OK", 0)
      assert.isFalse(notes.hasRoomFor(set(1)))
      assert.isFalse(notes.hasRoomFor(told("DEL", "k")))
      assert.isTrue(notes.hasRoomFor(told("GET", "k")))
      assert.isTrue(notes.hasRoomFor(told("FLUSHDB")))
      yield* notes.of([told("FLUSHDB")], Effect.succeed("OK"), () => [Result.succeed("OK")])
      assert.isTrue(notes.hasRoomFor(set(1)))
    })
  )
})

describe("the change back", () => {
  it.effect("waits for what runs in the second, and commands wait for it", () =>
    Effect.gen(function* () {
      const standby = new Standby()
      assert.isTrue(standby.begin(outage))
      assert.isFalse(standby.begin(outage))
      const reply = yield* Deferred.make<string>()
      const steps: Array<string> = []
      const step = (name: string) => Effect.sync(() => void steps.push(name))
      const running = yield* Effect.forkChild(
        standby.use(step("first"), () => standby.inSecond(Effect.andThen(Deferred.await(reply), step("second")))),
        { startImmediately: true }
      )
      const ending = yield* Effect.forkChild(standby.end(step("end")), { startImmediately: true })
      const waiting = yield* Effect.forkChild(
        standby.use(step("first"), () => step("second")),
        { startImmediately: true }
      )
      assert.deepStrictEqual(steps, [])
      yield* Deferred.succeed(reply, "")
      yield* Effect.forEach([running, ending, waiting], Fiber.join)
      assert.deepStrictEqual(steps, ["second", "end", "first"])
      assert.isUndefined(standby.outage)
    })
  )

  it.effect("is put off where something runs for too long, or where it fails; the second goes on", () =>
    Effect.gen(function* () {
      const standby = new Standby()
      standby.begin(outage)
      const running = yield* Effect.forkChild(standby.inSecond(Effect.never), { startImmediately: true })
      const ending = yield* Effect.forkChild(standby.end(Effect.die("not yet")), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(ending)
      assert.strictEqual(yield* standby.use(Effect.succeed(1), () => Effect.succeed(2)), 2)
      yield* Fiber.interrupt(running)
      yield* Effect.exit(standby.end(Effect.fail("lost again")))
      assert.strictEqual(yield* standby.use(Effect.succeed(1), () => Effect.succeed(2)), 2)
      yield* standby.end(Effect.void)
      assert.strictEqual(yield* standby.use(Effect.succeed(1), () => Effect.succeed(2)), 1)
    })
  )
})

describe("a command for each server", () => {
  const answer = Result.succeed("yes")
  const unknown = Effect.fail(outage)
  const servers = (node: string) => Effect.succeed(new Map([[node, answer]]))
  const none = Effect.succeed(new Map())

  for (const [what, first, second, expected] of [
    ["both stores know theirs", servers("a:1"), servers("b:1"), ["a:1", "b:1"]],
    ["only the second knows its own", unknown, servers("b:1"), ["b:1"]],
    ["only the first knows its own", servers("a:1"), unknown, ["a:1"]],
    ["neither does", unknown, unknown, outage],
    ["the first does not, and the second has none", unknown, none, outage],
    ["neither has any", none, none, []]
  ] as const) {
    it.effect(`is answered where ${what}`, () =>
      Effect.gen(function* () {
        const memory = yield* ValkeyMemory.make()
        const [one, other] = [first, second].map((answers) =>
          Layer.succeed(ValkeyClient, { ...memory, sendToEach: () => answers })
        )
        const client = yield* Effect.provide(ValkeyClient, ValkeyFallback.layer({ first: one!, second: other! }))
        const answers = yield* Effect.result(client.sendToEach("PING", []))
        const found: unknown = Result.isSuccess(answers) ? [...answers.success.keys()] : answers.failure
        assert.deepStrictEqual(found, expected)
      })
    )
  }
})
