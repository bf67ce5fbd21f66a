/** Addresses that pass to servers of another cluster, and tables of slots that are out of date. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Result } from "effect"
import { type CacheError, type Invalidation, ValkeyCluster } from "effect-vcache"
import { askInTurn } from "../../src/layers/connection/cluster/askInTurn.ts"
import { slotOfKey } from "../../src/layers/connection/cluster/slot.ts"
import { type ClusterView, type FakeNode, nodeId, type Place, placeOf, startFakeNode } from "../support/FakeCluster.ts"
import { connector, expectConnection, recovered, test, watchForTraces } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { bulk, failure, status } from "../support/resp.ts"
import { until } from "../support/until.ts"

watchForTraces()

const { connect } = connector(ValkeyCluster.layer)

const last = 16_383
const middle = 8191

/** Keys in the lower and the upper half of all slots. */
const [low, high] = [true, false].map((isLow) => {
  for (let i = 0; ; i++) if (slotOfKey(`:1:k${i}`) <= middle === isLow) return `k${i}`
}) as [string, string]

const join = (view: ClusterView, ...nodes: ReadonlyArray<FakeNode>) => {
  for (const node of nodes) node.view = view
}

/** A cluster of two servers with half of the slots each. */
const startPair = Effect.gen(function* () {
  const [first, second] = yield* Effect.all([startFakeNode("a"), startFakeNode("b")])
  const view: ClusterView = {
    epoch: 2,
    ranges: [
      [0, middle, placeOf(first)],
      [middle + 1, last, placeOf(second)]
    ]
  }
  join(view, first, second)
  return { first, second, view }
})

/** All slots are at one server. */
const only = (server: Place, epoch = 1): ClusterView => ({ epoch, ranges: [[0, last, placeOf(server)]] })

const endpoints = (...nodes: ReadonlyArray<FakeNode>) => nodes.map(({ port }) => ({ host: "127.0.0.1", port }))

test("an address that passes to another cluster gets no command, and its slots go to who takes them over", () =>
  Effect.gen(function* () {
    const { first, second, view } = yield* startPair
    const { cache } = yield* connect({ nodes: endpoints(first, second) })
    yield* cache.setMany({ [low]: 1, [high]: 1 })
    const before = first.keys.length
    // It knows of another epoch, and says that all is its own.
    yield* first.restart({ id: nodeId("c"), view: only({ id: nodeId("c"), port: first.port }, 99) })
    for (let i = 0; i < 5; i++) {
      const exit = yield* Effect.exit(cache.set(low, 2))
      assert.isTrue(Exit.isFailure(exit))
      yield* recovered(cache.set(high, 2))
      yield* pause(50)
    }
    expectConnection(yield* Effect.flip(cache.set(low, 2)), "connect", false, "OTHER_SERVER")
    view.epoch++
    view.ranges = [[0, last, placeOf(second)]]
    yield* recovered(cache.set(low, 3))
    assert.strictEqual(first.keys.length, before)
  }))

test("a cluster that is replaced by another at its addresses is followed when most of them are the other's", () =>
  Effect.gen(function* () {
    const { first, second, view } = yield* startPair
    const third = yield* startFakeNode("e")
    join(view, third)
    const { cache } = yield* connect({ nodes: endpoints(first, second, third), reconnect: { base: 20, max: 100 } })
    yield* cache.setMany({ [low]: 1, [high]: 1 })
    yield* second.restart({ isDown: true })
    yield* third.restart({ isDown: true })
    yield* first.restart({ id: nodeId("c"), view: only({ id: nodeId("c"), port: first.port }) })
    yield* until(
      "a refusal",
      Effect.flip(cache.set(low, 2)),
      (error) => "code" in error && error.code === "OTHER_SERVER"
    )
    yield* pause(300)
    assert.isTrue(Exit.isFailure(yield* Effect.exit(cache.set(high, 2))))
    assert.strictEqual(first.keys.length, 1)
    yield* second.restart({ isDown: false, id: nodeId("d"), view: first.view })
    yield* recovered(cache.set(high, 3))
    yield* recovered(cache.set(low, 3))
    assert.strictEqual(first.keys.length, 3)
  }))

for (const kind of ["MOVED", "ASK"]) {
  test(`${kind} to an unknown address is followed when the server there is of the cluster`, () =>
    Effect.gen(function* () {
      const { first, second, view } = yield* startPair
      const { cache } = yield* connect({ nodes: endpoints(first, second) })
      yield* cache.set(low, 1)
      const [stranger, recruit] = yield* Effect.all([startFakeNode("c"), startFakeNode("d")])
      join(only(stranger, 99), stranger)
      // It has no slots yet, and knows who has them.
      join(view, recruit)
      first.answer = failure(`${kind} ${slotOfKey(`:1:${low}`)} ${stranger.node}`)
      // On a busy machine the detours end before the stranger has said who it is.
      yield* until(
        "a refusal",
        Effect.flip(cache.set(low, 2)),
        (error) => "code" in error && error.code === "OTHER_SERVER"
      )
      first.answer = failure(`${kind} ${slotOfKey(`:1:${low}`)} ${recruit.node}`)
      yield* recovered(cache.set(low, 3))
      assert.deepStrictEqual([stranger.keys.length, recruit.keys.length > 0], [0, true])
    }))
}

describe("a primary that was demoted, and is asked for what names no key", () => {
  const readOnly = failure("READONLY You can't write against a read only replica.")
  const calls: Readonly<
    Record<string, (open: Effect.Success<ReturnType<typeof connect>>) => Effect.Effect<unknown, CacheError>>
  > = {
    flushAll: ({ cache }) => cache.flushAll,
    send: ({ client }) => client.send("FLUSHALL", []),
    pipeline: ({ client }) =>
      Effect.map(client.pipeline([{ name: "FLUSHDB", args: [] }]), ([answer]) => Result.getOrThrow(answer!)),
    "a connection of one's own": ({ client }) =>
      Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("FLUSHDB", [])))
  }
  for (const [name, call] of Object.entries(calls)) {
    for (const hasHeard of [true, false]) {
      test(`${name}: its successor does it${hasHeard ? "" : ", when the others have heard of it"}`, () =>
        Effect.gen(function* () {
          const flushed = { first: 0, second: 0, successor: 0 }
          let isReplica = false
          const says = (letter: string, server: keyof typeof flushed) =>
            startFakeNode(letter, ([name = ""]) => {
              if (!name.startsWith("FLUSH")) return undefined
              if (server === "first" && isReplica) return readOnly
              flushed[server]++
              return status("OK")
            })
          const [first, second] = yield* Effect.all([says("a", "first"), says("b", "second")])
          const successor = yield* says("c", "successor")
          const view = (lower: ReadonlyArray<FakeNode>, epoch: number): ClusterView => ({
            epoch,
            ranges: [
              [0, middle, ...lower.map(placeOf)],
              [middle + 1, last, placeOf(second)]
            ]
          })
          join(view([first, successor], 2), first, second, successor)
          const open = yield* connect({ nodes: endpoints(first, second) })
          yield* call(open)
          assert.deepStrictEqual(flushed, { first: 1, second: 1, successor: 0 })
          isReplica = true
          const news = Effect.sync(() => join(view([successor, first], 3), first, second, successor))
          if (hasHeard) yield* news
          else yield* Effect.forkChild(Effect.delay(news, 150))
          yield* call(open)
          assert.deepStrictEqual(flushed, { first: 1, second: 2, successor: 1 })
        }))
    }
  }

  test("a script that says so is not run again: its server may be a primary", () =>
    Effect.gen(function* () {
      let runs = 0
      const only = yield* startFakeNode("a", ([name]) => (name === "EVAL" ? (runs++, readOnly) : undefined))
      join({ epoch: 1, ranges: [[0, last, placeOf(only)]] }, only)
      const { client } = yield* connect({ nodes: endpoints(only) })
      const error = yield* Effect.flip(client.send("EVAL", ["return says", 0]))
      assert.deepStrictEqual([error._tag === "CacheServerError" && error.code, runs], ["READONLY", 1])
    }))
})

test("servers that tell nobody their ids are believed", () =>
  Effect.gen(function* () {
    const { first, second } = yield* startPair
    for (const node of [first, second]) node.isReticent = true
    const { cache } = yield* connect({ nodes: endpoints(first) })
    yield* cache.setMany({ [low]: 1, [high]: 1 })
    yield* second.restart()
    yield* recovered(cache.set(high, 2))
    assert.deepStrictEqual([first.keys.length, second.keys.length], [1, 2])
  }))

test("a primary without slots has left when nobody names it any more, not when somebody has not met it yet", () =>
  Effect.gen(function* () {
    const recruit = yield* startFakeNode("d")
    const met = new Set(["a"])
    const asked = { a: 0, b: 0 }
    const says = (letter: "a" | "b") =>
      startFakeNode(letter, ([name, question]) => {
        if (name !== "CLUSTER" || (question !== "INFO" && question !== "NODES")) return undefined
        if (question === "INFO") asked[letter]++
        return question === "INFO"
          ? bulk(`cluster_current_epoch:2\r\ncluster_known_nodes:${met.has(letter) ? 3 : 2}\r\n`)
          : bulk(`${recruit.id} ${recruit.node}@1${recruit.port} master - 0 0 0 connected\n`)
      })
    const [first, second] = yield* Effect.all([says("a"), says("b")])
    const ranges: ClusterView["ranges"] = [
      [0, middle, placeOf(first)],
      [middle + 1, last, placeOf(second)]
    ]
    join({ epoch: 2, ranges }, first, second, recruit)
    const { client } = yield* connect({ nodes: endpoints(first, second) })
    const events: Array<Invalidation> = []
    yield* client.invalidations({ prefixes: ["n:"] }, (event) => events.push(event))
    const left = () =>
      events.some((event) => event._tag === "Down" && event.cause === "left" && event.server === recruit.node)
    // A connection that is lost has the others asked first.
    const askOthers = ({ restart }: FakeNode) => Effect.andThen(restart(), pause(60))
    yield* until("it to be named", Effect.as(askOthers(second), events), (all) =>
      all.some((event) => event._tag === "Down" && event.server === recruit.node)
    )
    const before = asked.b
    yield* until(
      "who has not met it",
      Effect.map(askOthers(first), () => asked.b),
      (now) => now > before + 2
    )
    assert.isFalse(left())
    met.delete("a")
    yield* until("its leaving", Effect.map(askOthers(second), left), (hasLeft) => hasLeft)
  }))

describe("whom the client believes", () => {
  /** Answers of so many epochs; below zero: none, NaN: silence. */
  const ask = (...epochs: ReadonlyArray<number>) =>
    askInTurn({
      servers: epochs,
      ask: (epoch) =>
        epoch < 0
          ? Promise.reject(new Error("down"))
          : Number.isNaN(epoch)
            ? new Promise<number>(() => {})
            : Promise.resolve(epoch),
      isEnough: (epoch) => epoch >= 5,
      epoch: (epoch) => epoch,
      timeout: 700,
      none: (failures) => new Error(`${failures?.length ?? "silent"}`)
    })

  it("the first that knows enough, else the newest of all, else nobody", async () => {
    assert.strictEqual(await ask(5, 9), 5)
    assert.strictEqual(await ask(3, -1, 7, 9), 7)
    assert.strictEqual(await ask(3, -1, 4), 4)
    // Silence is not waited for when somebody has answered.
    assert.strictEqual(await ask(Number.NaN, 3), 3)
    assert.strictEqual(await ask(-1, -1).catch(String), "Error: 2")
    assert.strictEqual(await ask(-1, Number.NaN).catch(String), "Error: silent")
  })
})
