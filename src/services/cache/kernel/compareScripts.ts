/** Scripts that write only where a key still holds what was seen there. */
import type { Arg } from "../../../schema/Command.ts"
import { sha1 } from "../../../schema/digest.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"

const bytesOf = (arg: Arg): Uint8Array => (arg instanceof Uint8Array ? arg : Buffer.from(String(arg)))

const holds = ({ bytes }: ScriptStore, key: string, expected: Arg): boolean => {
  const current = bytes("GET", key)
  return Buffer.isBuffer(current) && current.equals(bytesOf(expected))
}

/** Stores under a key, for milliseconds: "" = the lifetime that it has, "0" = none at all, "inf" = for ever, "@" and an instant = until then. */
export const storeLua = `
local function store(key, value, lifetime)
  if lifetime == '' then redis.call('SET', key, value, 'KEEPTTL')
  elseif lifetime == '0' then redis.call('UNLINK', key)
  elseif lifetime == 'inf' then redis.call('SET', key, value)
  elseif string.sub(lifetime, 1, 1) == '@' then redis.call('SET', key, value, 'PXAT', string.sub(lifetime, 2))
  else redis.call('SET', key, value, 'PX', lifetime) end
end`

/** The same in memory. */
export const storeFor = ({ call }: ScriptStore, key: string, value: Arg, lifetime: Arg): void => {
  if (lifetime === "") call("SET", key, value, "KEEPTTL")
  else if (lifetime === "0") call("UNLINK", key)
  else if (lifetime === "inf") call("SET", key, value)
  else if (String(lifetime).startsWith("@")) call("SET", key, value, "PXAT", String(lifetime).slice(1))
  else call("SET", key, value, "PX", lifetime)
}

/** Whether a key holds what was seen: its beginning, its length, and its SHA-1 or "" where the beginning tells. */
export const isSeenLua = `
local function isSeen(key, start, length, hash)
  if redis.call('STRLEN', key) ~= tonumber(length) then return false end
  if hash ~= '' then return redis.sha1hex(redis.call('GET', key)) == hash end
  return redis.call('GETRANGE', key, 0, #start - 1) == start
end`

/** The same in memory. */
export const isSeen = ({ bytes }: ScriptStore, key: string, start: Arg, length: Arg, hash: Arg): boolean => {
  const current = bytes("GET", key)
  if (!Buffer.isBuffer(current) || current.length !== Number(length)) return false
  if (hash !== "") return sha1(current) === hash
  const expected = bytesOf(start)
  return current.subarray(0, expected.length).equals(expected)
}

/** KEYS: the entry. ARGV: what it must hold, what it then gets, its lifetime as `storeLua` takes it. 1 = done. */
export const replaceScript: Script = {
  name: "replace",
  uses: "changes",
  lua: `${storeLua}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
store(KEYS[1], ARGV[2], ARGV[3])
return 1`,
  memory: (store, [key = ""], [expected = "", replacement = "", lifetime = ""]) => {
    if (!holds(store, key, expected)) return 0
    storeFor(store, key, replacement, lifetime)
    return 1
  }
}

/** KEYS: the entry. ARGV: what it must hold. 1 = deleted. */
export const deleteScript: Script = {
  name: "deleteUnchanged",
  uses: "changes",
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`,
  memory: (store, [key = ""], [expected = ""]) => (holds(store, key, expected) ? store.call("UNLINK", key) : 0)
}

/**
 * KEYS: the entry. ARGV: what it must begin with, how many bytes it must have, the SHA-1 it must have or "" where the
 * beginning tells; what it then gets, its lifetime as `storeLua` takes it. 1 = done.
 */
export const replaceSeenScript: Script = {
  name: "replaceSeen",
  uses: "changes",
  lua: `${isSeenLua}${storeLua}
if not isSeen(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
store(KEYS[1], ARGV[4], ARGV[5])
return 1`,
  memory: (store, [key = ""], [start = "", length = "", hash = "", replacement = "", lifetime = ""]) => {
    if (!isSeen(store, key, start, length, hash)) return 0
    storeFor(store, key, replacement, lifetime)
    return 1
  }
}
