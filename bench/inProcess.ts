/** Reads in this process, without a server. */
import { Cache, Context, Effect, Layer, Scope } from "effect"
import { CacheMemory, CacheService } from "../src/index.ts"
import { article, text } from "./value.ts"

export const readOfNumber = "effect-vcache in memory, runSync get of a number"

const small = { id: 1, name: "Ada" }

export const inProcess = (): Readonly<Record<string, () => unknown>> => {
  // Open until the process ends.
  const context = Effect.runSync(Effect.flatMap(Scope.make(), (scope) => Layer.buildWithScope(CacheMemory, scope)))
  const cache = Context.get(context, CacheService)
  Effect.runSync(Effect.all([cache.set("count", 42), cache.set("small", small), cache.set("article", article)]))
  const effectCache = Effect.runSync(
    Cache.make<string, typeof small>({ capacity: 100, lookup: () => Effect.succeed(small) })
  )
  const map = new Map([["small", small]])
  return {
    [readOfNumber]: () => Effect.runSync(cache.get("count")),
    "effect-vcache in memory, runSync get of a small record": () => Effect.runSync(cache.get("small")),
    "effect-vcache in memory, runSync get of the 1 KB record": () => Effect.runSync(cache.get("article")),
    "JSON.parse of the 1 KB record alone": () => JSON.parse(text),
    "Effect Cache, runSync get (no copy, no encoding)": () => Effect.runSync(Cache.get(effectCache, "small")),
    "runSync of an Effect.sync": () => Effect.runSync(Effect.sync(() => map.get("small"))),
    "Map.get": () => map.get("small")
  }
}
