/** When a peer is left, by a clock that the test sets. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { type Watched, WireWatch } from "../../src/layers/connection/WireWatch.ts"
import type { WireCommand } from "../../src/layers/connection/WireCommand.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const timeout = 1000

/** A connection that the test plays the peer of. */
const watched = () => {
  const asked: Array<WireCommand> = []
  const breaks: Array<string> = []
  const wire = {
    owes: false as boolean,
    expiresAt: Infinity,
    socket: { bytesRead: 0 },
    write: (command: WireCommand) => void asked.push(command),
    break: (_: string, message: string) => void breaks.push(message)
  } satisfies Watched
  const watch = new WireWatch(timeout)
  watch.start(wire)
  return { asked, breaks, watch, wire }
}

describe("a peer is left", () => {
  it("that owes replies and sends no byte, after the timeout and not before", () => {
    const { breaks, wire } = watched()
    wire.owes = true
    vi.advanceTimersByTime(timeout)
    assert.deepStrictEqual(breaks, [])
    vi.advanceTimersByTime(timeout / 5)
    assert.include(breaks[0], "no byte within 1000 ms while replies were due")
  })

  it("whose oldest reply is overdue, though bytes come", () => {
    const { breaks, wire } = watched()
    wire.owes = true
    wire.expiresAt = performance.now() + 500
    for (let passed = 0; passed < 500 + timeout - 100; passed += 100) {
      wire.socket.bytesRead++
      vi.advanceTimersByTime(100)
    }
    assert.deepStrictEqual(breaks, [])
    wire.socket.bytesRead++
    vi.advanceTimersByTime(300)
    assert.include(breaks[0], "a reply is overdue by 1000 ms")
  })
})

describe("a peer is kept", () => {
  it("that owes nothing, however silent", () => {
    const { asked, breaks } = watched()
    vi.advanceTimersByTime(10 * timeout)
    assert.deepStrictEqual(breaks, [])
    assert.deepStrictEqual(asked, [])
  })

  it("that was silent and speaks again", () => {
    const { breaks, wire } = watched()
    wire.owes = true
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(timeout - 200)
      wire.socket.bytesRead++
    }
    assert.deepStrictEqual(breaks, [])
  })

  it("whose bytes are read in the moment in which it would have been left", () => {
    const { breaks, wire } = watched()
    wire.owes = true
    const breakNow = vi.spyOn(globalThis, "setImmediate").mockImplementation((run: () => void) => {
      // What the event loop was blocked for waits in the kernel, and is read before an immediate runs.
      wire.socket.bytesRead++
      run()
      return {} as NodeJS.Immediate
    })
    vi.advanceTimersByTime(timeout + 200)
    assert.isAbove(breakNow.mock.calls.length, 0)
    assert.deepStrictEqual(breaks, [])
  })

  it("when the watch has ended", () => {
    const { breaks, watch, wire } = watched()
    wire.owes = true
    watch.stop()
    vi.advanceTimersByTime(10 * timeout)
    assert.deepStrictEqual(breaks, [])
    assert.strictEqual(vi.getTimerCount(), 0)
  })
})

describe("a word is asked back", () => {
  it("once a timeout in which something was read, and never where nothing was", () => {
    const { asked, wire } = watched()
    vi.advanceTimersByTime(3 * timeout)
    assert.strictEqual(asked.length, 0)
    wire.socket.bytesRead = 10
    vi.advanceTimersByTime(timeout / 5)
    assert.strictEqual(asked.length, 1)
    assert.strictEqual(asked[0]?.name, "PING")
    const [word = ""] = asked[0]?.args ?? []
    assert.isTrue(asked[0]?.fits(String(word)))
    assert.isFalse(asked[0]?.fits("another"))
    // The answer's own bytes are no reason to ask again.
    wire.socket.bytesRead = 20
    asked[0]?.answer(String(word))
    vi.advanceTimersByTime(3 * timeout)
    assert.strictEqual(asked.length, 1)
    wire.socket.bytesRead = 30
    vi.advanceTimersByTime(timeout)
    assert.strictEqual(asked.length, 2)
  })
})
