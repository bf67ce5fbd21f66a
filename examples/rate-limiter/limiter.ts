/** A sliding window: at most `limit` in any `window` milliseconds, for all processes together, by the server's clock. */
import { Effect, Schema } from "effect"
import { CacheScript, CacheService } from "effect-vcache"

/** Those of the window are in a sorted set, by when they came. The result: milliseconds to wait, 0 = go on. */
const admit = CacheScript.make({
  name: "admit",
  keys: ["recent"],
  args: { limit: Schema.Int, window: Schema.Int, id: Schema.String },
  result: Schema.Int,
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 0
end
return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] + ARGV[2] - now`,
  memory: ({ call }, [recent = ""], [limit = 0, window = 0, id = ""]) => {
    const time = call("TIME")
    const [seconds = 0, micros = 0] = Array.isArray(time) ? time.map(Number) : []
    const now = seconds * 1000 + Math.floor(micros / 1000)
    call("ZREMRANGEBYSCORE", recent, "-inf", now - Number(window))
    if (Number(call("ZCARD", recent)) < Number(limit)) {
      call("ZADD", recent, now, id)
      call("PEXPIRE", recent, window)
      return 0
    }
    const first = call("ZRANGE", recent, 0, 0, "WITHSCORES")
    return Number(Array.isArray(first) ? first[1] : 0) + Number(window) - now
  }
})

let count = 0

/** Milliseconds to wait, 0 = go on. */
export const ask = (who: string, limit: number, window: number) =>
  Effect.flatMap(CacheService, (cache) =>
    cache.script(admit, { keys: { recent: `rate:${who}` }, args: { limit, window, id: `${process.pid}:${++count}` } })
  )
