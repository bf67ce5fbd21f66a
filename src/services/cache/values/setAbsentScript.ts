/** Stores several values where none of their keys exists, or what they hold counts as absent. */
import type { Arg, Reply } from "../../../schema/Command.ts"
import { sha1 } from "../../../schema/digest.ts"
import type { Script } from "../../../schema/Script.ts"

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
  lua: `
local there = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * ${width}
  local kind = redis.call('TYPE', key).ok
  local absent = kind == 'none'
  if kind == 'string' and ARGV[at + 2] ~= '' and redis.call('STRLEN', key) == tonumber(ARGV[at + 2]) then
    if ARGV[at + 3] ~= '' then absent = redis.sha1hex(redis.call('GET', key)) == ARGV[at + 3]
    else absent = redis.call('GETRANGE', key, 0, #ARGV[at + 1] - 1) == ARGV[at + 1] end
  end
  if not absent then there[#there + 1] = i - 1 end
end
if #there > 0 then return there end
for i, key in ipairs(KEYS) do
  local value, lifetime = ARGV[i * ${width} - 1], ARGV[i * ${width}]
  if lifetime == '0' then redis.call('UNLINK', key)
  elseif lifetime == 'inf' then redis.call('SET', key, value)
  else redis.call('SET', key, value, 'PX', lifetime) end
end
return there`,
  memory: ({ bytes, call }, keys, args) => {
    const counts = (key: string, start: Arg, length: Arg, hash: Arg): boolean => {
      const kind = call("TYPE", key)
      if (kind !== "string" || length === "") return kind === "none"
      const held = bytes("GET", key)
      if (!Buffer.isBuffer(held) || held.length !== Number(length)) return false
      if (hash !== "") return sha1(held) === hash
      const expected = start instanceof Uint8Array ? start : Buffer.from(String(start))
      return held.subarray(0, expected.length).equals(expected)
    }
    const there: Array<Reply> = []
    keys.forEach((key, i) => {
      const [start = "", length = "", hash = ""] = args.slice(i * width)
      if (!counts(key, start, length, hash)) there.push(i)
    })
    if (there.length > 0) return there
    keys.forEach((key, i) => {
      const [value = "", lifetime = ""] = args.slice(i * width + 3)
      if (lifetime === "0") call("UNLINK", key)
      else if (lifetime === "inf") call("SET", key, value)
      else call("SET", key, value, "PX", lifetime)
    })
    return there
  }
}
