/** What a server sends to many readers while somebody writes keys that none of them has read. */
import { Effect } from "effect"
import { Redis } from "iovalkey"
import type { Tracking } from "../src/schema/Invalidation.ts"
import { proven } from "./nearContenders.ts"
import { type OpenCache, openUntil } from "./ours.ts"

const readers = 100
const writesPerSecond = 1000
const seconds = 2

/** Bytes of the reply to a SET. */
const okBytes = "+OK\r\n".length

/** Bytes a second for all readers together, without what the writer is answered. */
export const bytesSent = async (url: string, tracking: Tracking): Promise<number> => {
  const prefix = `near-silence-${tracking}`
  const writer = new Redis(Number(new URL(url).port), "127.0.0.1")
  // No proof is asked for meanwhile.
  const near = { tracking, maxStaleness: "1 hour" } as const
  const caches: Array<OpenCache> = []
  for (let i = 0; i < readers; i++) {
    const opened = await openUntil(url, { options: { prefix, near } })
    caches.push(opened)
    const { cache } = opened
    await proven(cache)
    await Effect.runPromise(cache.getMany(Array.from({ length: 10 }, (_, j) => `own:${i}:${j}`)))
  }
  const sent = async () => {
    const info = await writer.info("stats")
    return {
      total: Number(/^total_net_output_bytes:(\d+)/m.exec(info)?.[1]),
      reply: `$${info.length}\r\n${info}\r\n`.length
    }
  }
  const before = await sent()
  const started = performance.now()
  for (let i = 0; i < writesPerSecond * seconds; i += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, j) => writer.set(`${prefix}:1:other:${i + j}`, "1", "EX", 60)))
    const early = started + (1000 * i) / writesPerSecond - performance.now()
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early))
  }
  const after = await sent()
  writer.disconnect()
  for (const { close } of caches) await close()
  return (after.total - before.total - before.reply - okBytes * writesPerSecond * seconds) / seconds
}
