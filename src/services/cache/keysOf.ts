/** Final keys and user keys, without a look at whether they are good ones. */
import type { CacheOptions } from "../../schema/CacheOptions.ts"
import { keySpace } from "../../schema/key.ts"
import type { TypedCache } from "../operations/TypedCache.ts"

export const keysOf = ({
  keyFunction,
  prefix,
  version
}: CacheOptions): Pick<TypedCache<unknown>, "makeKey" | "reverseKey"> => ({
  makeKey: (key, options) => {
    const parts = { prefix, version: options?.version ?? version }
    const isFinal = () => keySpace(keyFunction, parts, "*").userKey(key) !== undefined
    return options?.unlessFinal === true && isFinal() ? key : keyFunction.make({ ...parts, key })
  },
  reverseKey: (finalKey, options) => keyFunction.reverse(finalKey, { prefix, version: options?.version ?? version })
})
