/** What a server of a cluster says after a silence counts where no other server has taken its place meanwhile. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ValkeyCluster } from "effect-vcache"
import { type ClusterView, type FakeNode, placeOf, startFakeNode } from "../support/FakeCluster.ts"
import { connector, test, watchForTraces } from "../support/faults.ts"
import { pause } from "../support/pause.ts"
import { bulk, list, texts } from "../support/resp.ts"
import { until } from "../support/until.ts"

watchForTraces()

const { connect } = connector(ValkeyCluster.layer)

/** Entries of a stream, each of which is its id. */
const entries = (key: string, ids: ReadonlyArray<string>) =>
  list([list([bulk(key), list(ids.map((id) => list([bulk(id), texts(["id", `"${id}"`])])))])])

type Name = "old" | "next"

/** Two servers of a cluster. Each answers a read of a stream when the test says so, and names the primary it knows of. */
const startPair = Effect.gen(function* () {
  const reads: Record<
    Name,
    Array<{ readonly after: string; readonly answer: (ids: ReadonlyArray<string>) => void }>
  > = {
    old: [],
    next: []
  }
  const looks: Array<Name> = []
  const start = (name: Name, letter: string) =>
    startFakeNode(letter, ([operation, question, ...rest], socket) => {
      if (operation === "CLUSTER" && question === "SLOTS") looks.push(name)
      if (operation !== "XREAD") return undefined
      const [key = "", after = ""] = rest.slice(-2)
      reads[name].push({ after, answer: (ids) => void socket.write(entries(key, ids)) })
      return ""
    })
  const [old, next] = yield* Effect.all([start("old", "a"), start("next", "b")])
  const ledBy = (primary: FakeNode, replica: FakeNode, epoch: number): ClusterView => ({
    epoch,
    ranges: [[0, 16_383, placeOf(primary), placeOf(replica)]]
  })
  old.view = next.view = ledBy(old, next, 1)
  const nodes = [old, next].map(({ port }) => ({ host: "127.0.0.1", port }))
  const followed: Array<string> = []
  const { cache } = yield* connect({ nodes })
  yield* Effect.forkChild(
    Stream.runForEach(cache.stream("log").follow({ after: "1-0" }), ({ id }) => Effect.sync(() => followed.push(id)))
  )
  const isRead = (name: Name, times: number) =>
    until(
      `${times} reads at ${name}`,
      Effect.sync(() => reads[name].length),
      (count) => count === times
    )
  yield* isRead("old", 1)
  /** Right after a client has looked who the primary is, which it does each second. */
  const looked = Effect.suspend(() => {
    const before = looks.length
    return until(
      "a look",
      Effect.sync(() => looks.length),
      (count) => count > before
    )
  })
  const replace = Effect.sync(() => {
    next.view = ledBy(next, old, 2)
  })
  return { followed, isRead, looked, looks, reads, replace }
})

test("entries of a primary that was silent while its replica took its place are not followed", () =>
  Effect.gen(function* () {
    const { followed, isRead, looked, reads, replace } = yield* startPair
    yield* looked
    yield* pause(600)
    yield* replace
    // It was frozen, and knows nothing of it yet.
    reads.old[0]!.answer(["9-0"])
    yield* isRead("next", 1)
    assert.strictEqual(reads.next[0]!.after, "1-0")
    reads.next[0]!.answer(["5-0", "9-9"])
    yield* isRead("next", 2)
    assert.deepStrictEqual(followed, ["5-0", "9-9"])
  }))

test("entries of a primary that was silent and still serves are followed", () =>
  Effect.gen(function* () {
    const { followed, isRead, looks, reads } = yield* startPair
    yield* pause(600)
    const before = looks.length
    reads.old[0]!.answer(["5-0"])
    yield* isRead("old", 2)
    assert.deepStrictEqual(followed, ["5-0"])
    // Somebody else was asked, once.
    assert.deepStrictEqual(looks.slice(before), ["next"])
    for (let i = 1; i <= 20; i++) {
      reads.old[i]!.answer([`6-${i}`])
      yield* isRead("old", i + 2)
    }
    assert.deepStrictEqual([followed.length, looks.length], [21, before + 1])
  }))
