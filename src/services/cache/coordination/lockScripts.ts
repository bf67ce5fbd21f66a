/** The scripts behind locks. */
import type { Arg, Reply } from "../../../schema/Command.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"

/**
 * How many milliseconds the last fence is remembered after its lease. Later fences are greater all the same, by the server's
 * clock.
 */
const memory = 24 * 60 * 60 * 1000

/** The arguments of `acquireScript`. `lease` is in milliseconds. */
export const acquireArguments = (token: string, lease: number, waits: boolean): ReadonlyArray<string | number> =>
  waits ? [token, lease, lease + memory, "1"] : [token, lease, lease + memory]

/** The mark behind the last fence that says that somebody waits. */
const wanted = "w"

/** The end of a script that has freed the lock: if `last`, its last fence, says that somebody waits, they are told on the channel. */
const wakeWaiters = (channel: string) => `
if last and string.sub(last, -1) == '${wanted}' then
  redis.call('SET', KEYS[2], string.sub(last, 1, -2), 'KEEPTTL')
  redis.pcall('PUBLISH', ${channel}, KEYS[1])
end
return 1`

const wakeWaitersWith = ({ call }: ScriptStore, lock: string, fenceKey: string, channel: Arg): number => {
  const last = call("GET", fenceKey)
  if (typeof last === "string" && last.endsWith(wanted)) {
    call("SET", fenceKey, last.slice(0, -1), "KEEPTTL")
    call("PUBLISH", channel, lock)
  }
  return 1
}

/** Microseconds since 1970, of a reply of TIME. */
const microsOf = (time: Reply): number => {
  const [seconds = 0, micros = 0] = Array.isArray(time) ? time.map(Number) : []
  return seconds * 1_000_000 + micros
}

/**
 * KEYS: the lock; its last fence. ARGV: token; lease and the fence's lifetime in milliseconds; anything where the caller waits.
 * Returns the fence as text, or for how many milliseconds another holder has the lock, −1 = for ever. A caller that holds it
 * already, and does not know, gets it again.
 *
 * The server's time bounds how fast locks are, and calls cost most of it. Mostly the clock gives a greater fence than the last
 * one, so the script replaces the last one at once, and looks at it by the reply of that call.
 */
export const acquireScript: Script = {
  name: "lock.acquire",
  exclusive: true,
  lua: `
local holder = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2], 'GET')
if holder and holder ~= ARGV[1] then
  if ARGV[4] then
    local last = redis.call('GET', KEYS[2]) or '0'
    if string.sub(last, -1) ~= '${wanted}' then
      redis.call('SET', KEYS[2], last .. '${wanted}', 'PX', ARGV[3])
    end
  end
  return redis.call('PTTL', KEYS[1])
end
if holder then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local time = redis.call('TIME')
local next = time[1] .. string.sub('00000' .. time[2], -6)
local last = redis.call('SET', KEYS[2], next, 'PX', ARGV[3], 'GET')
if not last or (#last == #next and last < next) then return next end
local fence, mark = tonumber(last), ''
if not fence then fence, mark = tonumber(string.sub(last, 1, -2)), '${wanted}' end
next = string.format('%.0f', math.max(fence + 1, tonumber(next)))
redis.call('SET', KEYS[2], next .. mark, 'PX', ARGV[3])
return next`,
  memory: ({ call }, [lock = "", fenceKey = ""], [token = "", lease = 0, remembered = 0, waits]) => {
    const holder = call("SET", lock, token, "NX", "PX", lease, "GET")
    const last = String(call("GET", fenceKey) ?? "0")
    const mark = last.endsWith(wanted) ? wanted : ""
    if (holder !== null && holder !== token) {
      if (waits !== undefined && mark === "") call("SET", fenceKey, last + wanted, "PX", remembered)
      return call("PTTL", lock)
    }
    if (holder !== null) call("PEXPIRE", lock, lease)
    const next = String(Math.max(Number.parseInt(last) + 1, microsOf(call("TIME"))))
    call("SET", fenceKey, next + mark, "PX", remembered)
    return next
  }
}

/**
 * KEYS: the lock. ARGV: token; the least that the lease has from now on in milliseconds, "" = for ever; how many milliseconds are
 * added to it. 1 = done, 0 = not held.
 */
export const extendScript: Script = {
  name: "lock.extend",
  exclusive: true,
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local left = redis.call('PTTL', KEYS[1])
if ARGV[2] == '' then redis.call('PERSIST', KEYS[1])
elseif left >= 0 then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(left + ARGV[3], tonumber(ARGV[2])))) end
return 1`,
  memory: ({ call }, [lock = ""], [token = "", least = "", more = 0]) => {
    if (call("GET", lock) !== token) return 0
    const left = Number(call("PTTL", lock))
    if (least === "") call("PERSIST", lock)
    else if (left >= 0) call("PEXPIRE", lock, Math.max(left + Number(more), Number(least)))
    return 1
  }
}

/** KEYS: the lock; its last fence. ARGV: token; the channel where those who wait are told. 1 = released, 0 = not held. */
export const releaseScript: Script = {
  name: "lock.release",
  exclusive: true,
  lua: `
local seen = redis.call('MGET', KEYS[1], KEYS[2])
if seen[1] ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
local last = seen[2]${wakeWaiters("ARGV[2]")}`,
  memory: (store, [lock = "", fenceKey = ""], [token = "", channel = ""]) => {
    if (store.call("GET", lock) !== token) return 0
    store.call("DEL", lock)
    return wakeWaitersWith(store, lock, fenceKey, channel)
  }
}

/**
 * KEYS: the lock; its last fence. ARGV: token; lease in milliseconds, "" = for ever. The fence that the token's holder was given, as text;
 * null = the token holds nothing. A fence that the server has forgotten becomes a greater one.
 */
export const resumeScript: Script = {
  name: "lock.restore",
  exclusive: true,
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
if ARGV[2] == '' then redis.call('PERSIST', KEYS[1])
else redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])))) end
local last = redis.call('GET', KEYS[2])
if last then return string.match(last, '^%d+') end
local time = redis.call('TIME')
local next = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('SET', KEYS[2], next, 'PX', ${memory})
return next`,
  memory: ({ call }, [lock = "", fenceKey = ""], [token = "", lease = ""]) => {
    if (call("GET", lock) !== token) return null
    if (lease === "") call("PERSIST", lock)
    else call("PEXPIRE", lock, Math.max(Number(call("PTTL", lock)), Number(lease)))
    const last = call("GET", fenceKey)
    if (last !== null) return String(Number.parseInt(String(last)))
    const next = String(microsOf(call("TIME")))
    call("SET", fenceKey, next, "PX", memory)
    return next
  }
}

/** KEYS: the lock; its last fence. ARGV: the channel where those who wait are told. 1 = somebody held it, 0 = nobody did. */
export const forceReleaseScript: Script = {
  name: "lock.forceRelease",
  exclusive: true,
  lua: `
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
local last = redis.call('GET', KEYS[2])${wakeWaiters("ARGV[1]")}`,
  memory: (store, [lock = "", fenceKey = ""], [channel = ""]) =>
    store.call("DEL", lock) === 0 ? 0 : wakeWaitersWith(store, lock, fenceKey, channel)
}

/** KEYS: the lock. 1 = somebody holds it. A script, so that the primary is asked. */
export const isLockedScript: Script = {
  name: "lock.isLocked",
  exclusive: true,
  lua: "return redis.call('EXISTS', KEYS[1])",
  memory: ({ call }, [lock = ""]) => call("EXISTS", lock)
}
