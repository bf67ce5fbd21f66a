/** SET with KEEPTTL over a value that could have become stale. */
import type { Script } from "../../../schema/Script.ts"

/**
 * The lifetime of a value with times ends when it becomes stale, not when the server drops it. KEYS: the entry. ARGV: the
 * value, the time as the one who stores it knows it in milliseconds since 1970, then options of SET beside KEEPTTL. The
 * reply of SET.
 */
export const keepTtlScript: Script = {
  name: "setKeepTtl",
  lua: `
local fresh
if redis.call('TYPE', KEYS[1]).ok == 'string' then
  fresh = string.match(redis.call('GETRANGE', KEYS[1], 0, 255), '^\\1[^\\n@]*@(%w+)')
end
local reply = redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL', unpack(ARGV, 3))
if fresh and ARGV[3] ~= 'NX' then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', tonumber(fresh, 36) - tonumber(ARGV[2])))
end
return reply`,
  memory: ({ bytes, call }, [key = ""], [value = "", now, ...options]) => {
    const head = call("TYPE", key) === "string" ? bytes("GETRANGE", key, 0, 255) : null
    // oxlint-disable-next-line no-control-regex -- the marker of the stored form
    const fresh = Buffer.isBuffer(head) ? /^\u0001[^\n@]*@([0-9a-z]+)/i.exec(head.toString("latin1"))?.[1] : undefined
    const reply = bytes("SET", key, value, "KEEPTTL", ...options)
    if (fresh !== undefined && options[0] !== "NX") call("PEXPIRE", key, Number.parseInt(fresh, 36) - Number(now))
    return reply
  }
}
