/** The script behind a hash's counters: a result that JavaScript cannot hold is not kept. */
import type { Script } from "../../../schema/Script.ts"
import { overflow } from "../kernel/overflow.ts"

/** KEYS: the hash. ARGV: field, delta. */
export const incrFieldScript: Script = {
  name: "hash.incr",
  lua: `
local result = redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
if result > 9007199254740991 or result < -9007199254740991 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], -ARGV[2])
  return redis.error_reply('${overflow}')
end
return result`,
  memory: ({ call, fail }, [key = ""], [field = "", delta = 0]) => {
    const result = call("HINCRBY", key, field, delta)
    if (Number.isSafeInteger(result)) return result
    call("HINCRBY", key, field, -Number(delta))
    return fail(overflow)
  }
}
