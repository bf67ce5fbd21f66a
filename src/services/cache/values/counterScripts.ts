/** The scripts behind the counters: what a missing key means, and how far a number reaches, in one step with the count. */
import type { Arg } from "../../../schema/Command.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"
import { overflow } from "../kernel/overflow.ts"

/** What becomes of a missing counter: a miss, or ARGV[2] for ARGV[3] milliseconds, "0" = for none at all, "" = for ever. */
const createLua = `
  if ARGV[2] == '' then return nil end
  if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
  elseif ARGV[3] ~= '0' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end`

const create = (call: ScriptStore["call"], key: string, initial: Arg, lifetime: Arg): void => {
  if (lifetime === "") call("SET", key, initial)
  else if (lifetime !== "0") call("SET", key, initial, "PX", lifetime)
}

/** KEYS: the counter. ARGV: delta; what a missing key becomes, or ""; its lifetime in milliseconds, "0" = none at all, "" = for ever. */
export const incrScript: Script = {
  name: "incr",
  uses: "changes",
  lua: `
if redis.call('EXISTS', KEYS[1]) == 0 then
${createLua}
  return tonumber(ARGV[2])
end
local result = redis.call('INCRBY', KEYS[1], ARGV[1])
if result > 9007199254740991 or result < -9007199254740991 then
  redis.call('DECRBY', KEYS[1], ARGV[1])
  return redis.error_reply('${overflow}')
end
return result`,
  memory: ({ call, fail }, [key = ""], [delta = 0, initial = "", lifetime = ""]) => {
    if (call("EXISTS", key) === 0) {
      if (initial === "") return null
      create(call, key, initial, lifetime)
      return Number(initial)
    }
    const result = call("INCRBY", key, delta)
    if (!Number.isSafeInteger(result)) {
      call("DECRBY", key, delta)
      return fail(overflow)
    }
    return result
  }
}

/** KEYS: the counter. ARGV: as for `incr`, the numbers with fractions. */
export const incrFloatScript: Script = {
  name: "incrFloat",
  uses: "changes",
  lua: `
if redis.call('EXISTS', KEYS[1]) == 0 then
${createLua}
  return ARGV[2]
end
return redis.call('INCRBYFLOAT', KEYS[1], ARGV[1])`,
  memory: ({ call }, [key = ""], [delta = 0, initial = "", lifetime = ""]) => {
    if (call("EXISTS", key) === 0) {
      if (initial === "") return null
      create(call, key, initial, lifetime)
      return String(initial)
    }
    return call("INCRBYFLOAT", key, delta)
  }
}

/** KEYS: the counter. ARGV: as for `incr`, delta within 64 bits. The result as text, so that none of it is rounded. */
export const incrBigScript: Script = {
  name: "incrBig",
  uses: "changes",
  lua: `
if redis.call('EXISTS', KEYS[1]) == 0 then
${createLua}
  return ARGV[2]
end
redis.call('INCRBY', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])`,
  memory: ({ call }, [key = ""], [delta = 0, initial = "", lifetime = ""]) => {
    if (call("EXISTS", key) === 0) {
      if (initial === "") return null
      create(call, key, initial, lifetime)
      return String(initial)
    }
    call("INCRBY", key, delta)
    return call("GET", key)
  }
}

/** KEYS: the counter. ARGV: as for `incr`. Whether it was missing, and so was created. */
export const createScript: Script = {
  name: "create",
  uses: "changes",
  lua: `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
${createLua}
return 1`,
  memory: ({ call }, [key = ""], [, initial = "", lifetime = ""]) => {
    if (call("EXISTS", key) === 1) return 0
    create(call, key, initial, lifetime)
    return 1
  }
}
