/** How much memory near entries hold, against the same in lru-cache. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { Effect } from "effect"
import { openUntil } from "./ours.ts"

export const memoryPrefix = "near-memory"
export const memoryKey = (i: number): string => `entry:${i}`

const entries = 1_000_000
const step = 10_000

export interface NearMemory {
  /** Bytes of the heap for each entry. */
  readonly near: number
  readonly lruCache: number
}

/** Texts of 100 characters, each another one. */
const write = async (url: string): Promise<void> => {
  const { cache, close } = await openUntil(url, { options: { prefix: memoryPrefix } })
  for (let first = 0; first < entries; first += step) {
    const values = Array.from({ length: step }, (_, i) => [memoryKey(first + i), `${first + i} `.padEnd(100, ".")])
    await Effect.runPromise(cache.setMany(Object.fromEntries(values), { timeToLive: "1 hour" }))
  }
  await close()
}

const heldBy = async (kind: "near" | "lru-cache", url: string): Promise<number> => {
  const child = fork(join(import.meta.dirname, "nearMemoryProcess.ts"), [kind, url, String(entries)], {
    execArgv: [...process.execArgv, "--expose-gc"]
  })
  const failed = once(child, "exit").then(() => {
    throw new Error(`${kind} could not be measured`)
  })
  const [bytes] = await Promise.race([once(child, "message"), failed])
  failed.catch(() => {})
  return bytes
}

/** One after the other, on a server that is given back empty. */
export const measureMemory = async (url: string): Promise<NearMemory> => {
  await write(url)
  return { near: await heldBy("near", url), lruCache: await heldBy("lru-cache", url) }
}
