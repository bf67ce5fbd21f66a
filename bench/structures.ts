/** Structures and locks: ours, and as one writes them by hand on iovalkey. */
import { randomUUID } from "node:crypto"
import { Effect, Option, Schema } from "effect"
import type { Contender } from "./Contender.ts"
import { openIovalkey } from "./iovalkey.ts"
import { fibers, loops } from "./measure.ts"
import { open } from "./ours.ts"
import { Article, article, inTurn } from "./value.ts"

const releaseLua = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

export const structures: Readonly<Record<string, (url: string) => Promise<Contender>>> = {
  "effect-vcache structures": async (url) => {
    const cache = (await open(url, {})).withOptions({ prefix: "ours" }).withSchema(Article)
    const hash = cache.hash("hash")
    const list = cache.list("list")
    const board = cache.withSchema(Schema.String).sortedSet("board")
    const field = inTurn()
    await Effect.runPromise(list.pushRight(article))
    await Effect.runPromise(hash.setMany(Array.from({ length: 1000 }, () => [field(), article])))
    return {
      read: (key) => Effect.runPromise(Effect.map(hash.get(key), Option.getOrUndefined)),
      work: {
        hashGet: fibers(() => hash.get(field())),
        hashSet: fibers(() => hash.set(field(), article)),
        listAt: fibers(() => list.at(0)),
        listPushPop: fibers(() => Effect.andThen(list.pushRight(article), list.popLeft)),
        sortedSet: fibers(() => board.incr(field(), 1)),
        lock: fibers(() => cache.lock(field()).withLock(Effect.void))
      }
    }
  },
  "iovalkey by hand": async (url) => {
    const client = await openIovalkey(url, false)
    const field = inTurn()
    await client.rpush("list", JSON.stringify(article))
    for (let i = 0; i < 1000; i++) await client.hset("hash", field(), JSON.stringify(article))
    client.defineCommand("releaseLock", { numberOfKeys: 1, lua: releaseLua })
    const release: unknown = Reflect.get(client, "releaseLock")
    if (typeof release !== "function") throw new Error("there is no such command")
    const read = async (key: string): Promise<unknown> => JSON.parse((await client.hget("hash", key)) ?? "")
    return {
      read,
      work: {
        hashGet: loops(() => read(field())),
        hashSet: loops(() => client.hset("hash", field(), JSON.stringify(article))),
        listAt: loops(async () => JSON.parse((await client.lindex("list", 0)) ?? "")),
        listPushPop: loops(async () => {
          await client.rpush("list", JSON.stringify(article))
          return JSON.parse((await client.lpop("list")) ?? "")
        }),
        sortedSet: loops(async () => Number(await client.zincrby("board", 1, field()))),
        lock: loops(async () => {
          const key = `lock:${field()}`
          const token = randomUUID()
          if ((await client.set(key, token, "PX", 30_000, "NX")) !== "OK") throw new Error("somebody has it")
          await release.call(client, key, token)
        })
      }
    }
  }
}
