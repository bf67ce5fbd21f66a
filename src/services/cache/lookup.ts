/** getOrSet: the cached value, or the lookup's. */
import { Effect, Option } from "effect"
import type { TypedCache } from "../CacheService.ts"
import type { CacheContext } from "./context.ts"

export const lookupOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  { get, set }: Pick<TypedCache<A, RD, RE>, "get" | "set">
): Pick<TypedCache<A, RD, RE>, "getOrSet"> => {
  const { finalKey, flights, lifetime } = context
  return {
    getOrSet: (key, lookup, options) => {
      // What could refuse the store must do so before the lookup runs.
      const checked = Effect.flatMapEager(finalKey("getOrSet", key, options), (final) =>
        Effect.mapEager(lifetime("getOrSet", options?.timeToLive), () => final)
      )
      const cached = Effect.catchTag(get(key, options), "CacheCodecError", () => Effect.succeed(Option.none<A>()))
      const lookupAndStore = Effect.tap(lookup, (value) =>
        Effect.catch(set(key, value, options), (error) =>
          Effect.logDebug("getOrSet: the value could not be stored", error.message)
        )
      )
      return Effect.flatMapEager(checked, (final) =>
        Effect.flatMap(cached, (hit) =>
          Option.isSome(hit) ? Effect.succeed(hit.value) : flights.share(final, lookupAndStore)
        )
      )
    }
  }
}
