/**
 * What the lock of the torture protects: a number that each holder reads and writes back greater by one. A holder that is
 * late is refused, when it reads and when it writes. Reading stores the fence, too: otherwise a holder that stood still
 * could write between its successor's reading and writing, when its own fence is still the greatest that is stored.
 */
import type { Script } from "effect-vcache"

/** Arguments: the fence. Replies with the number, or with null to who is late. */
export const readFenced: Script = {
  name: "torture.read",
  lua: `
if tonumber(ARGV[1]) < tonumber(redis.call('HGET', KEYS[1], 'fence') or '0') then return false end
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
return redis.call('HGET', KEYS[1], 'value') or '0'`
}

/** Arguments: the fence, the number. Replies with 1, or with 0 to who is late. */
export const writeFenced: Script = {
  name: "torture.write",
  lua: `
if tonumber(ARGV[1]) < tonumber(redis.call('HGET', KEYS[1], 'fence') or '0') then return 0 end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'value', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'writes', 1)
return 1`
}
