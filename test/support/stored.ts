import { Effect } from "effect"
import type { CacheError, Script, TypedCache } from "effect-vcache"

const nothing: Script = { name: "nothing", lua: "return 1", memory: () => 1 }

/**
 * Until what lookups gave for the keys has been stored: they do not wait for the reply, and reads may take another
 * connection. A connection's replies come in order; where there is one primary, any key will do.
 */
export const stored = (
  cache: Pick<TypedCache<unknown>, "client" | "makeKey">,
  ...keys: ReadonlyArray<string>
): Effect.Effect<void, CacheError> =>
  Effect.forEach(keys, (key) => cache.client.eval(nothing, [cache.makeKey(key)], []), { discard: true })
