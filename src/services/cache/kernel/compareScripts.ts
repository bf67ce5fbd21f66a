/** Scripts that write only where a key still holds what was seen there. */
import type { Arg } from "../../../schema/Command.ts"
import { sha1 } from "../../../schema/digest.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"

const bytesOf = (arg: Arg): Uint8Array => (arg instanceof Uint8Array ? arg : Buffer.from(String(arg)))

const holds = ({ bytes }: ScriptStore, key: string, expected: Arg): boolean => {
  const current = bytes("GET", key)
  return Buffer.isBuffer(current) && current.equals(bytesOf(expected))
}

/** KEYS: the entry. ARGV: what it must hold, what it then gets, its lifetime in milliseconds: "" = the one it has, "0" = none at all, "inf" = for ever. 1 = done. */
export const replaceScript: Script = {
  name: "replace",
  uses: "changes",
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
elseif ARGV[3] == '0' then redis.call('UNLINK', KEYS[1])
elseif ARGV[3] == 'inf' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`,
  memory: (store, [key = ""], [expected = "", replacement = "", lifetime = ""]) => {
    if (!holds(store, key, expected)) return 0
    if (lifetime === "") store.call("SET", key, replacement, "KEEPTTL")
    else if (lifetime === "0") store.call("UNLINK", key)
    else if (lifetime === "inf") store.call("SET", key, replacement)
    else store.call("SET", key, replacement, "PX", lifetime)
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
 * beginning tells; what it then gets, its lifetime in milliseconds: "" = the one it has, "0" = none at all, "inf" = for
 * ever, "@" and an instant = until then. 1 = done.
 */
export const replaceSeenScript: Script = {
  name: "replaceSeen",
  uses: "changes",
  lua: `
if redis.call('STRLEN', KEYS[1]) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] ~= '' then
  if redis.sha1hex(redis.call('GET', KEYS[1])) ~= ARGV[3] then return 0 end
elseif redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
if ARGV[5] == '' then redis.call('SET', KEYS[1], ARGV[4], 'KEEPTTL')
elseif ARGV[5] == '0' then redis.call('UNLINK', KEYS[1])
elseif ARGV[5] == 'inf' then redis.call('SET', KEYS[1], ARGV[4])
elseif string.sub(ARGV[5], 1, 1) == '@' then redis.call('SET', KEYS[1], ARGV[4], 'PXAT', string.sub(ARGV[5], 2))
else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5]) end
return 1`,
  memory: ({ bytes, call }, [key = ""], [start = "", length = "", hash = "", replacement = "", lifetime = ""]) => {
    const current = bytes("GET", key)
    if (!Buffer.isBuffer(current) || current.length !== Number(length)) return 0
    if (hash === "") {
      const expected = bytesOf(start)
      if (!current.subarray(0, expected.length).equals(expected)) return 0
    } else if (sha1(current) !== hash) return 0
    if (lifetime === "") call("SET", key, replacement, "KEEPTTL")
    else if (lifetime === "0") call("UNLINK", key)
    else if (lifetime === "inf") call("SET", key, replacement)
    else if (String(lifetime).startsWith("@")) call("SET", key, replacement, "PXAT", String(lifetime).slice(1))
    else call("SET", key, replacement, "PX", lifetime)
    return 1
  }
}
