/** Reads a million small values into one kind of store, and says how many bytes of the heap each of them holds. */
import { Effect } from "effect"
import { LRUCache } from "lru-cache"
import { proven } from "./nearContenders.ts"
import { open } from "./ours.ts"
import { memoryKey, memoryPrefix } from "./nearMemory.ts"

const [, , kind = "", url = "", count = ""] = process.argv
const entries = Number(count)
const isNear = kind === "near"
const { gc } = globalThis
if (gc === undefined) throw new Error("it needs --expose-gc")

const near = { maxEntries: entries, maxBytes: 2 ** 30, maxStaleness: "5 minutes" } as const
const cache = await open(url, { options: { prefix: memoryPrefix, ...(isNear ? { near } : {}) } })
if (isNear) await proven(cache)
let lru: LRUCache<string, string> | undefined

const heldBytes = async (): Promise<number> => {
  for (let i = 0; i < 3; i++) {
    gc()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const step = 1000
const readFrom = async (first: number): Promise<void> => {
  const keys = Array.from({ length: step }, (_, i) => memoryKey(first + i))
  const values = await Effect.runPromise(cache.getMany(keys))
  if (values.size !== step) throw new Error("a value is missing")
  if (lru === undefined) return
  for (const [key, value] of values) {
    if (typeof value !== "string") throw new Error("it is no text")
    lru.set(key, value, { size: key.length + value.length })
  }
}

// What is made once, such as code and buffers, is made by the first reads.
for (let i = 0; i < 20; i++) await readFrom(0)
const before = await heldBytes()
// It makes room for all of its entries at once.
if (!isNear) lru = new LRUCache({ max: entries, maxSize: 2 ** 30, ttl: 300_000 })
for (let first = isNear ? step : 0; first < entries; first += step) await readFrom(first)
const after = await heldBytes()

const state = await Effect.runPromise(cache.near)
const size = lru?.size ?? (state._tag === "Live" ? state.entries : 0)
if (size !== entries) throw new Error(`${kind} holds ${size} entries`)
process.send?.((after - before) / (isNear ? entries - step : entries))
process.exit()
