/** Deadlines by a clock that the test sets. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Deadlines, type Expiring } from "../../src/layers/connection/Deadlines.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

class Waiting implements Expiring {
  expiresAt = 0
  settled = false
  readonly #name: string
  readonly #told: Array<string>

  constructor(name: string, told: Array<string>) {
    this.#name = name
    this.#told = told
  }

  expiresBy(instant: number): void {
    this.expiresAt = instant
  }

  expire(): void {
    this.#told.push(this.#name)
    this.settled = true
  }
}

const endOfTurn = () => new Promise<void>((resolve) => process.nextTick(resolve))

const opened = (timeout = 100) => {
  const told: Array<string> = []
  const deadlines = new Deadlines<Waiting>(timeout)
  /** In a turn of its own. */
  const add = async (name: string) => {
    const waiting = new Waiting(name, told)
    deadlines.add(waiting)
    await endOfTurn()
    return waiting
  }
  return { add, deadlines, told }
}

describe("deadlines", () => {
  it("expire in the order in which their commands came, none before its time", async () => {
    const { add, told } = opened()
    await add("a")
    vi.advanceTimersByTime(60)
    await add("b")
    vi.advanceTimersByTime(39)
    assert.deepStrictEqual(told, [])
    vi.advanceTimersByTime(10)
    assert.deepStrictEqual(told, ["a"])
    vi.advanceTimersByTime(50)
    assert.deepStrictEqual(told, ["a"])
    vi.advanceTimersByTime(10)
    assert.deepStrictEqual(told, ["a", "b"])
  })

  it("pass over those that are settled", async () => {
    const { add, told } = opened()
    ;(await add("a")).settled = true
    await add("b")
    ;(await add("c")).settled = true
    vi.advanceTimersByTime(1000)
    assert.deepStrictEqual(told, ["b"])
  })

  it("let what has arrived be read before anybody fails, where the event loop was blocked", async () => {
    const { add, told } = opened()
    const late = await add("late")
    await add("lost")
    // The sweep has run; what the kernel holds is read before the next immediate.
    vi.advanceTimersByTime(100)
    vi.advanceTimersToNextTimer()
    late.settled = true
    vi.advanceTimersByTime(10)
    assert.deepStrictEqual(told, ["lost"])
  })

  it("of one turn begin together, at its end, also for those that come while others expire", async () => {
    const { deadlines, told } = opened()
    const [a, b, next] = ["a", "b", "next"].map((name) => new Waiting(name, told))
    a!.expire = () => {
      told.push("a")
      a!.settled = true
      deadlines.add(next!)
    }
    deadlines.add(a!)
    vi.advanceTimersByTime(50)
    deadlines.add(b!)
    await endOfTurn()
    vi.advanceTimersByTime(99)
    assert.deepStrictEqual(told, [])
    vi.advanceTimersByTime(10)
    assert.deepStrictEqual(told, ["a", "b"])
    await endOfTurn()
    vi.advanceTimersByTime(90)
    assert.deepStrictEqual(told, ["a", "b"])
    vi.advanceTimersByTime(20)
    assert.deepStrictEqual(told, ["a", "b", "next"])
  })

  it("go on after a pause without commands", async () => {
    const { add, told } = opened()
    await add("a")
    vi.advanceTimersByTime(500)
    await add("b")
    vi.advanceTimersByTime(99)
    assert.deepStrictEqual(told, ["a"])
    vi.advanceTimersByTime(10)
    assert.deepStrictEqual(told, ["a", "b"])
  })

  it("keep their order beyond what a ring holds at first", async () => {
    const { add, deadlines, told } = opened()
    const names = Array.from({ length: 1000 }, (_, i) => String(i))
    const waiting: Array<Waiting> = []
    for (const name of names) {
      vi.advanceTimersByTime(1)
      waiting.push(await add(name))
    }
    assert.deepStrictEqual(told, names.slice(0, told.length))
    for (const one of waiting.slice(0, 950)) one.settled = true
    deadlines.dropSettled()
    const expired = told.length
    vi.advanceTimersByTime(1000)
    assert.deepStrictEqual(told.slice(expired), names.slice(950))
  })

  it("end when they are closed", async () => {
    const { add, deadlines, told } = opened()
    await add("a")
    deadlines.close()
    vi.advanceTimersByTime(1000)
    assert.deepStrictEqual(told, [])
    assert.strictEqual(vi.getTimerCount(), 0)
  })
})
