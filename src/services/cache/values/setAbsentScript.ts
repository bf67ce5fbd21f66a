/** Stores several values where none of their keys exists, or what they hold counts as absent. */
import type { Reply } from "../../../schema/Command.ts"
import type { Script } from "../../../schema/Script.ts"
import { isSeen, isSeenLua, storeFor, storeLua } from "../kernel/compareScripts.ts"

/** How many arguments there are for each key. */
const width = 5

/**
 * KEYS: the entries. ARGV, for each: the beginning, the length and the SHA-1 or "" of what counts as absent there, with a length
 * of "" where nothing does; then the value and its lifetime in milliseconds: "0" = it is not stored, "inf" = for ever. Gives
 * the places of the keys that exist, counted from zero; where there is none, all values are stored.
 */
export const setAbsentScript: Script = {
  name: "setManyAbsent",
  uses: "changes",
  lua: `${isSeenLua}${storeLua}
local there = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * ${width}
  local kind = redis.call('TYPE', key).ok
  local isLeftover = kind == 'string' and ARGV[at + 2] ~= '' and isSeen(key, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
  if kind ~= 'none' and not isLeftover then there[#there + 1] = i - 1 end
end
if #there > 0 then return there end
for i, key in ipairs(KEYS) do store(key, ARGV[i * ${width} - 1], ARGV[i * ${width}]) end
return there`,
  memory: (store, keys, args) => {
    const there: Array<Reply> = []
    keys.forEach((key, i) => {
      const [start = "", length = "", hash = ""] = args.slice(i * width, (i + 1) * width)
      const kind = store.call("TYPE", key)
      const isLeftover = kind === "string" && length !== "" && isSeen(store, key, start, length, hash)
      if (kind !== "none" && !isLeftover) there.push(i)
    })
    if (there.length > 0) return there
    keys.forEach((key, i) => {
      const [value = "", lifetime = ""] = args.slice(i * width + 3, (i + 1) * width)
      storeFor(store, key, value, lifetime)
    })
    return there
  }
}
