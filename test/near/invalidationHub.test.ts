/** Who is told what of a client's changes, with announcers that a test plays. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { MachineTime } from "../../src/layers/connection/MachineTime.ts"
import type { Announcer, Coverage } from "../../src/layers/invalidations/Announcer.ts"
import { ClientInvalidations } from "../../src/layers/invalidations/ClientInvalidations.ts"
import { InvalidationHub } from "../../src/layers/invalidations/InvalidationHub.ts"
import { areCovered, merged } from "../../src/layers/invalidations/prefixes.ts"
import type { Invalidation } from "../../src/schema/Invalidation.ts"
import { uncaught } from "../support/uncaught.ts"

const live: Invalidation = { _tag: "Live", server: "s" }
const proof = (sentAt: number): Invalidation => ({ _tag: "Proof", server: "s", sentAt })
const keys = (...keys: ReadonlyArray<string>): Invalidation => ({ _tag: "Keys", keys, own: false })

const played = () => {
  const coverages: Array<Coverage> = []
  let closed = 0
  const announcer: Announcer = {
    cover: (coverage) => void coverages.push(coverage),
    close: () => void closed++
  }
  return { announcer, coverages, closed: () => closed }
}

const heard = (hub: InvalidationHub, prefixes: ReadonlyArray<string>, heartbeat = 500) => {
  const events: Array<Invalidation> = []
  const stop = hub.listen({ prefixes, heartbeat }, (event) => void events.push(event))
  return { events, stop }
}

describe("prefixes", () => {
  it("are merged so that none begins with another", () => {
    assert.deepStrictEqual(merged(["b:c", "a", "b:", "b:c:d", "a"]), ["a", "b:"])
    assert.deepStrictEqual(merged(["x", ""]), [""])
    assert.isTrue(areCovered(["a:", "b:"], ["b:c", "a:"]))
    assert.isFalse(areCovered(["a:"], ["a"]))
  })
})

describe("a hub", () => {
  it("covers what its listeners want, once for all of them, and closes with the last", () => {
    const { announcer, closed, coverages } = played()
    const hub = new InvalidationHub(announcer)
    const first = heard(hub, ["a:"])
    const second = heard(hub, ["a:b"], 100)
    assert.strictEqual(coverages.length, 1)
    assert.strictEqual(coverages[0]?.heartbeat, 100)
    const third = heard(hub, ["c:"])
    assert.deepStrictEqual(
      coverages.map(({ prefixes }) => prefixes),
      [["a:"], ["a:", "c:"]]
    )
    first.stop()
    second.stop()
    assert.deepStrictEqual([closed(), hub.isWatched], [0, true])
    third.stop()
    assert.deepStrictEqual([closed(), hub.isWatched], [1, false])
  })

  it("tells who listens, or comes later, when its client is closed, and nothing after that", () => {
    const { announcer, closed, coverages } = played()
    const hub = new InvalidationHub(announcer)
    const first = heard(hub, ["a:"])
    hub.close()
    coverages[0]!.tell(live)
    const later = heard(hub, ["a:"])
    for (const { events, stop } of [first, later]) {
      assert.deepStrictEqual(
        events.map((event) => (event._tag === "Down" ? event.reason : event._tag)),
        ["the client is closed"]
      )
      stop()
    }
    assert.deepStrictEqual([closed(), coverages.length, hub.isWatched], [1, 1, false])
  })

  it("tells each listener of its own keys", () => {
    const { announcer, coverages } = played()
    const hub = new InvalidationHub(announcer)
    const a = heard(hub, ["a:"])
    const ab = heard(hub, ["a:b"])
    coverages[0]!.tell(keys("a:b1", "a:c"))
    coverages[0]!.tell(keys("a:d"))
    assert.deepStrictEqual(a.events, [keys("a:b1", "a:c"), keys("a:d")])
    assert.deepStrictEqual(ab.events, [keys("a:b1")])
  })

  it("whoever comes later is told how things are, and nothing that does not concern it yet", () => {
    const { announcer, coverages } = played()
    const hub = new InvalidationHub(announcer)
    heard(hub, ["a:"])
    coverages[0]!.tell(live)
    coverages[0]!.tell(proof(1))
    coverages[0]!.tell(proof(2))
    assert.deepStrictEqual(heard(hub, ["a:"]).events, [live, proof(2)])
    const other = heard(hub, ["b:"])
    coverages[0]!.tell(proof(3))
    assert.deepStrictEqual(other.events, [])
    coverages[1]!.tell(live)
    coverages[1]!.tell(proof(4))
    assert.deepStrictEqual(other.events, [live, proof(4)])
    const down: Invalidation = { _tag: "Down", server: "s", reason: "lost", cause: "lost" }
    coverages[1]!.tell(down)
    assert.deepStrictEqual(heard(hub, ["b:"]).events, [down])
  })

  it("a listener that throws harms nobody else", async () => {
    const { announcer, coverages } = played()
    const hub = new InvalidationHub(announcer)
    const thrown = uncaught()
    const defect = new Error("a listener's own")
    hub.listen({ prefixes: [""], heartbeat: 1 }, () => {
      throw defect
    })
    const good = heard(hub, [""])
    coverages[0]!.tell(live)
    assert.deepStrictEqual(good.events, [live])
    assert.strictEqual(await thrown, defect)
  })
})

describe("changes as a stream", () => {
  it.effect("a reader that is too slow is told of everything in place of what it missed", () =>
    Effect.gen(function* () {
      const { announcer, coverages } = played()
      const { changes } = new ClientInvalidations({ broadcast: announcer, perKey: announcer })
      const sizes: Array<string> = []
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(changes(["a"]), (event) =>
          Effect.sync(() => {
            if (sizes.length === 0) {
              for (let i = 0; i < 10_000; i++) coverages[0]!.tell(keys(`a${i}`))
              coverages[0]!.tell(live)
            }
            sizes.push(event._tag)
          })
        ),
        { startImmediately: true }
      )
      yield* Effect.yieldNow
      coverages[0]!.tell(keys("a"))
      yield* Effect.yieldNow
      while (sizes.at(-1) !== "Live") yield* Effect.yieldNow
      assert.isBelow(sizes.length, 5000)
      assert.deepStrictEqual(sizes.slice(-2), ["Everything", "Live"])
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("the time of a machine", () => {
  it("passes as fast as the faster of its two clocks", () => {
    let monotonic = 1000
    let wall = 1_700_000_000_000
    const time = new MachineTime(
      () => monotonic,
      () => wall
    )
    const start = time.now()
    const passed = (more: { readonly monotonic?: number; readonly wall?: number }) => {
      monotonic += more.monotonic ?? 0
      wall += more.wall ?? 0
      return time.now() - start
    }
    assert.strictEqual(passed({ monotonic: 100, wall: 99 }), 100)
    // Suspended: only the wall clock has gone on.
    assert.strictEqual(passed({ wall: 5001 }), 5100)
    // Set back, and suspended after that.
    assert.strictEqual(passed({ monotonic: 100, wall: -60_000 }), 5200)
    assert.strictEqual(passed({ wall: 3000 }), 8200)
    // Read at different moments within a millisecond.
    for (let i = 0; i < 1000; i++) passed({ monotonic: 0.5, wall: i % 2 })
    assert.strictEqual(passed({ wall: 1 }), 8700)
    // What was over is over.
    const past = time.past()
    assert.isAtMost(past + 0.9, start + passed({ monotonic: 0.9 }))
  })
})
