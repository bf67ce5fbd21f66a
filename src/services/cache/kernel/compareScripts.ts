/** Scripts that write only where a key still holds what was seen there. */
import type { Arg } from "../../../schema/Command.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"

const holds = ({ bytes }: ScriptStore, key: string, expected: Arg): boolean => {
  const current = bytes("GET", key)
  return (
    Buffer.isBuffer(current) &&
    current.equals(expected instanceof Uint8Array ? expected : Buffer.from(String(expected)))
  )
}

/** KEYS: the entry. ARGV: what it must hold, what it then gets, its lifetime in milliseconds: "" = the one it has, "0" = none at all, "inf" = for ever. 1 = done. */
export const replaceScript: Script = {
  name: "replace",
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
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`,
  memory: (store, [key = ""], [expected = ""]) => (holds(store, key, expected) ? store.call("UNLINK", key) : 0)
}
