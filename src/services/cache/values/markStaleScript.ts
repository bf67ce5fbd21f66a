/** Makes a value stale where it stands: what a cipher has sealed stays as it is. */
import type { Script } from "../../../schema/Script.ts"

/**
 * KEYS: the entry. ARGV: a mark that no other value has, and the header of a value that has none; "" = such a value is left
 * alone. 1 = there was a value. It loses the claim of whoever looks it up. A claim without a value goes, because what such a
 * lookup gives is older than the mark, and so does the failure of a lookup.
 */
export const markStaleScript: Script = {
  name: "markStale",
  uses: "changes",
  lua: `
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
local header, rest = ARGV[2], stored
if string.byte(stored) == 1 then
  local ends = string.find(stored, '\\n', 1, true)
  if not ends then return 0 end
  header = string.match(string.sub(stored, 1, ends - 1), '^[^*!]*')
  rest = string.sub(stored, ends + 1)
  if #header <= 2 or string.sub(header, 3, 3) == '?' then redis.call('UNLINK', KEYS[1]) return 0 end
end
if header == '' then return 0 end
redis.call('SET', KEYS[1], header .. '*' .. ARGV[1] .. '\\n' .. rest, 'KEEPTTL')
return 1`,
  memory: ({ bytes, call }, [key = ""], [mark = "", plainHeader = ""]) => {
    const stored = bytes("GET", key)
    if (!Buffer.isBuffer(stored)) return 0
    let header = String(plainHeader)
    let rest = stored
    if (stored[0] === 1) {
      const end = stored.indexOf(10)
      if (end < 0) return 0
      header = stored.toString("latin1", 0, end).replace(/[*!].*$/s, "")
      rest = stored.subarray(end + 1)
      if (header.length <= 2 || header[2] === "?") {
        call("UNLINK", key)
        return 0
      }
    }
    if (header === "") return 0
    call("SET", key, Buffer.concat([Buffer.from(`${header}*${String(mark)}\n`, "latin1"), rest]), "KEEPTTL")
    return 1
  }
}
