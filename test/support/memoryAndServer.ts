/** A cache in memory and one on a server, for tests that run over both. */
import { Context, Effect, Layer, type Scope } from "effect"
import { CacheLive, CacheMemory, CacheService, ValkeyUrl } from "effect-vcache"
import { startServer } from "./ValkeyServer.ts"

interface MemoryAndServer {
  readonly memory: CacheService["Service"]
  readonly server: CacheService["Service"]
}

export const startMemoryAndServer: Effect.Effect<MemoryAndServer, never, Scope.Scope> = Effect.gen(function* () {
  const { url } = yield* startServer()
  const onServer = yield* Layer.build(Layer.provide(CacheLive, ValkeyUrl.layer(url)))
  const inMemory = yield* Layer.build(CacheMemory)
  return { server: Context.get(onServer, CacheService), memory: Context.get(inMemory, CacheService) }
}).pipe(Effect.orDie)
