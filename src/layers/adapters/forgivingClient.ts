/** A client for callers who can do without a cache. */
import { Effect, type Layer } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { CacheService } from "../../services/CacheService.ts"
import { makeClient, type PromiseCache } from "./PromiseCache.ts"

export interface ForgivingClient extends Pick<PromiseCache, "close" | "run"> {
  /** Resolves with undefined where the cache fails or is closed. Rejects where the layer cannot be built. */
  readonly attempt: <A>(effect: Effect.Effect<A, CacheError, CacheService>) => Promise<A | undefined>
}

export const forgivingClient = <E>(layer: Layer.Layer<CacheService, E>): ForgivingClient => {
  const { close, run } = makeClient(layer)
  let isClosed = false
  return {
    run,
    attempt: async (effect) => {
      try {
        return await run(Effect.catch(effect, () => Effect.succeed(undefined)))
      } catch (error) {
        if (isClosed) return undefined
        throw error
      }
    },
    close: () => {
      isClosed = true
      return close()
    }
  }
}
