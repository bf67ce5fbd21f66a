/** The memory store against a list of entries that expire at once, over generated histories. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ExpiryQueue } from "../../src/layers/memory/store/ExpiryQueue.ts"
import { MemoryStore } from "../../src/layers/memory/store/MemoryStore.ts"

const key = Schema.Literals(["a", "b", "c", "d", "e", "last:a", "last:b"])
const expiresIn = Schema.Literals([1, 2, 5, 30, "never"])

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Set"), key, length: Schema.Literals([1, 4, 9, 40, 59]), expiresIn }),
  Schema.Struct({ _tag: Schema.Literals(["Get", "Peek", "Delete"]), key }),
  Schema.Struct({ _tag: Schema.tag("Expire"), key, expiresIn }),
  Schema.Struct({ _tag: Schema.tag("Rename"), key, to: key }),
  Schema.Struct({ _tag: Schema.tag("Wait"), time: Schema.Literals([1, 3, 10]) }),
  Schema.Struct({ _tag: Schema.tag("RemoveExpired"), most: Schema.Literals([1, 2]) }),
  Schema.Struct({ _tag: Schema.tag("Clear") })
])

interface Held {
  readonly key: string
  readonly value: string
  readonly expiresAt: number
}

const instant = (now: number, after: typeof expiresIn.Type) => (after === "never" ? Infinity : now + after)

const limits = { maxEntries: 4, maxBytes: 60 }
const evictLast = (key: string) => key.startsWith("last:")
const bytes = (all: ReadonlyArray<Held>) => all.reduce((sum, { key, value }) => sum + key.length + value.length, 0)

/** Entries, the least recently used first. */
class Model {
  held: ReadonlyArray<Held> = []

  find(key: string): Held | undefined {
    return this.held.find((entry) => entry.key === key)
  }

  use(entry: Held): void {
    this.held = [...this.without(entry.key), entry]
  }

  without(key: string): ReadonlyArray<Held> {
    return this.held.filter((entry) => entry.key !== key)
  }

  /** Whether there was room for it. */
  set(entry: Held, eviction: "lru" | "none"): boolean {
    if (bytes([entry]) > limits.maxBytes) return false
    const fits = (all: ReadonlyArray<Held>) => all.length <= limits.maxEntries && bytes(all) <= limits.maxBytes
    let kept = [...this.without(entry.key), entry]
    while (!fits(kept)) {
      if (eviction === "none") return false
      const others = kept.slice(0, -1)
      const victim = others.find(({ key }) => !evictLast(key)) ?? others[0]
      kept = kept.filter((other) => other !== victim)
    }
    this.held = kept
    return true
  }
}

const byKey = (all: Iterable<Held>) =>
  [...all].map(({ expiresAt, key, value }) => ({ key, value, expiresAt })).toSorted((a, b) => (a.key < b.key ? -1 : 1))

const attempt = (write: () => void): boolean => {
  try {
    write()
    return true
  } catch {
    return false
  }
}

describe("the memory store", () => {
  for (const eviction of ["lru", "none"] as const) {
    it.prop(
      `holds what the model holds, with eviction "${eviction}"`,
      [Schema.Array(Step)],
      ([steps]) => {
        const store = new MemoryStore({ ...limits, eviction, evictLast })
        const model = new Model()
        let now = 0
        for (const step of steps) {
          switch (step._tag) {
            case "Set": {
              const entry = { key: step.key, value: "x".repeat(step.length), expiresAt: instant(now, step.expiresIn) }
              // A refused write counts as a use of what is there.
              const old = model.find(step.key)
              if (old !== undefined) model.use(old)
              const stored = attempt(() => store.set(entry.key, entry.value, entry.expiresAt, now))
              assert.strictEqual(stored, model.set(entry, eviction))
              break
            }
            case "Get": {
              const entry = model.find(step.key)
              if (entry !== undefined) model.use(entry)
              assert.strictEqual(store.get(step.key, now), entry?.value)
              break
            }
            case "Peek":
              assert.strictEqual(store.peek(step.key, now), model.find(step.key)?.value)
              break
            case "Delete":
              assert.strictEqual(store.delete(step.key, now), model.find(step.key) !== undefined)
              model.held = model.without(step.key)
              break
            case "Expire": {
              const entry = model.find(step.key)
              if (entry !== undefined) model.use({ ...entry, expiresAt: instant(now, step.expiresIn) })
              store.expire(step.key, instant(now, step.expiresIn), now)
              break
            }
            case "Rename": {
              const entry = model.find(step.key)
              // Room for a longer key is not asked for, as on a server: keep to those of one length.
              if (entry === undefined || step.key.length !== step.to.length || step.key === step.to) break
              model.held = [...model.without(step.key).filter(({ key }) => key !== step.to), { ...entry, key: step.to }]
              store.rename(step.key, step.to, now)
              break
            }
            case "Wait":
              now += step.time
              model.held = model.held.filter(({ expiresAt }) => expiresAt > now)
              break
            case "RemoveExpired":
              store.removeExpired(now, step.most)
              break
            case "Clear":
              model.held = []
              store.clear()
          }
          assert.strictEqual(store.size(now), model.held.length)
          const found: Array<Held> = []
          store.scan(0, 100, now, (key, value) =>
            found.push({ key, value: String(value), expiresAt: store.expiresAt(key, now) ?? Number.NaN })
          )
          assert.deepStrictEqual(byKey(found), byKey(model.held))
        }
        store.removeExpired(now, 100)
        assert.isFalse(store.hasExpired(now))
        assert.strictEqual(store.bytes, bytes(model.held))
      },
      { arbitrary: { runs: 3000, seed: "effect-vcache", size: 40 } }
    )
  }

  it.prop(
    "a scan visits once what stays throughout, and ends, whatever comes and goes meanwhile",
    [Schema.Array(Schema.Tuple([Schema.Literals(["add", "remove"]), Schema.Literals([1, 10, 700, 2000])]))],
    ([changes]) => {
      const store = new MemoryStore({
        maxEntries: Infinity,
        maxBytes: Infinity,
        eviction: "lru",
        evictLast: () => false
      })
      const stays = Array.from({ length: 1500 }, (_, i) => `stays:${i}`)
      const comers: Array<string> = []
      const add = (key: string) => store.set(key, "", Infinity, 0)
      stays.forEach((key, i) => {
        add(key)
        if (i % 3 > 0) comers.push(`comes:${i}`)
        if (i % 3 > 0) add(`comes:${i}`)
      })
      const seen: Array<string> = []
      let pages = 0
      let cursor = 0
      do {
        const [change, count] = changes[pages] ?? ["add", 100]
        cursor = store.scan(cursor, 100, 0, (key) => seen.push(key))
        for (let i = 0; i < count; i++) {
          if (change === "add") comers.push(`comes:${pages}:${i}`)
          if (change === "add") add(`comes:${pages}:${i}`)
          else store.delete(comers.splice(Math.floor(comers.length / 2), 1)[0] ?? "", 0)
        }
        assert.isBelow(++pages, 100)
      } while (cursor !== 0)
      const ofStays = seen.filter((key) => key.startsWith("stays:"))
      assert.deepStrictEqual(ofStays.toSorted(), stays.toSorted())
    },
    { arbitrary: { runs: 200, seed: "effect-vcache" } }
  )
})

describe("the queue of what expires", () => {
  const time = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))

  it.prop(
    "gives entries in the order of their time, whatever was changed and removed before",
    [
      Schema.Array(time),
      Schema.Array(Schema.Tuple([time, Schema.Union([time, Schema.Literals(["never", "removed"])])]))
    ],
    ([times, changes]) => {
      const queue = new ExpiryQueue()
      const queued = new Map([...times, ...times.map((time) => 1001 - time)].entries())
      for (const [entry, time] of queued) queue.update(entry, time)
      const count = queued.size
      for (const [which, change] of changes) {
        const entry = which % Math.max(1, count)
        if (!queued.has(entry)) continue
        if (change === "removed") queue.remove(entry)
        else queue.update(entry, change === "never" ? Infinity : change)
        if (typeof change === "number") queued.set(entry, change)
        else queued.delete(entry)
      }
      const expected = [...queued.values()].toSorted((a, b) => a - b)
      assert.strictEqual(queue.size, expected.length)
      const given: Array<number> = []
      for (let entry = queue.due(1000); entry !== undefined; entry = queue.due(1000)) {
        given.push(queued.get(entry) ?? Number.NaN)
        queue.remove(entry)
      }
      assert.deepStrictEqual(given, expected)
    },
    { arbitrary: { runs: 1000, seed: "effect-vcache", size: 100 } }
  )
})
