/** The scripts behind sessions. Each concerns one key, and a fallback runs none of them: there is one store of sessions. */
import type { Arg } from "../../../schema/Command.ts"
import { bareClaim } from "../../../schema/frame.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"

/** What stands under the key of a session that got another one. For whoever reads it as a value it is nothing. */
const tombstone = bareClaim({ until: 0, token: "0" })

/** As a string of Lua, whose decimal escapes have up to three digits. */
const ended = `'\\001${tombstone.slice(1, -1)}\\n'`

/** What scripts answer where they do not find a session. */
export const absence = { missing: 0, ended: -1 } as const

/** Lifetimes as arguments: milliseconds, "inf" = for ever, "" = the one that the entry has. */
const expire = `
local function expire(lifetime)
  if lifetime == 'inf' then redis.call('PERSIST', KEYS[1])
  elseif lifetime ~= '' then redis.call('PEXPIRE', KEYS[1], lifetime) end
end`

const expireWith = ({ call }: ScriptStore, key: string, lifetime: string) => {
  if (lifetime === "inf") call("PERSIST", key)
  else if (lifetime !== "") call("PEXPIRE", key, lifetime)
}

const absent = `
if not found then return ${absence.missing} end
if found == ${ended} then return ${absence.ended} end`

const absenceIn = (found: unknown): number | undefined => {
  if (found === null) return absence.missing
  return found instanceof Uint8Array && Buffer.from(found).equals(Buffer.from(tombstone)) ? absence.ended : undefined
}

const script = (name: string, lua: string, memory: NonNullable<Script["memory"]>): Script => ({
  name,
  exclusive: true,
  uses: "changes",
  lua,
  memory
})

/** ARGV: the data; the lifetime. 1 = created, 0 = the key is taken. */
export const createScript = script(
  "session.create",
  `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if ARGV[2] == 'inf' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`,
  ({ call }, [key = ""], [data = "", lifetime = ""]) => {
    if (call("EXISTS", key) === 1) return 0
    call("SET", key, data, ...(lifetime === "inf" ? [] : ["PX", lifetime]))
    return 1
  }
)

/** ARGV: the lifetime that it gets. The data, and milliseconds that are left, −1 = for ever; or an absence. */
export const findScript = script(
  "session.find",
  `${expire}
local found = redis.call('GET', KEYS[1])${absent}
expire(ARGV[1])
return {found, redis.call('PTTL', KEYS[1])}`,
  (store, [key = ""], [lifetime = ""]) => {
    const found = store.bytes("GET", key)
    const none = absenceIn(found)
    if (none !== undefined) return none
    expireWith(store, key, String(lifetime))
    return [found, store.call("PTTL", key)]
  }
)

/** ARGV: the data; the lifetime. 1 = saved, or an absence. */
export const saveScript = script(
  "session.save",
  `${expire}
local found = redis.call('GET', KEYS[1])${absent}
redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
expire(ARGV[2])
return 1`,
  (store, [key = ""], [data = "", lifetime = ""]) => {
    const none = absenceIn(store.bytes("GET", key))
    if (none !== undefined) return none
    store.call("SET", key, data, "KEEPTTL")
    expireWith(store, key, String(lifetime))
    return 1
  }
)

/** ARGV: what was found there; the data that takes its place; the lifetime. 1 = replaced, 0 = it is another by now. */
export const replaceScript = script(
  "session.replace",
  `${expire}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
expire(ARGV[3])
return 1`,
  (store, [key = ""], [seen = "", data = "", lifetime = ""]) => {
    if (!holds(store, key, seen)) return 0
    store.call("SET", key, data, "KEEPTTL")
    expireWith(store, key, String(lifetime))
    return 1
  }
)

/** ARGV: the lifetime. 1 = it lives, or an absence. */
export const touchScript = script(
  "session.touch",
  `${expire}
local found = redis.call('GET', KEYS[1])${absent}
expire(ARGV[1])
return 1`,
  (store, [key = ""], [lifetime = ""]) => {
    const none = absenceIn(store.bytes("GET", key))
    if (none !== undefined) return none
    expireWith(store, key, String(lifetime))
    return 1
  }
)

/** 1 = destroyed, or an absence: what says that the session has ended stays. */
export const destroyScript = script(
  "session.destroy",
  `
local found = redis.call('GET', KEYS[1])${absent}
return redis.call('UNLINK', KEYS[1])`,
  (store, [key = ""]) => absenceIn(store.bytes("GET", key)) ?? store.call("UNLINK", key)
)

/** ARGV: what was found there; for how many milliseconds it is known then that it has ended. 1 = it has, 0 = it is another by now. */
export const endScript = script(
  "session.end",
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('UNLINK', KEYS[1]) else redis.call('SET', KEYS[1], ${ended}, 'PX', ARGV[2]) end
return 1`,
  (store, [key = ""], [seen = "", handover = ""]) => {
    if (!holds(store, key, seen)) return 0
    if (handover === "0") store.call("UNLINK", key)
    else store.call("SET", key, tombstone, "PX", handover)
    return 1
  }
)

const holds = ({ bytes }: ScriptStore, key: string, seen: Arg): boolean => {
  const found = bytes("GET", key)
  return Buffer.isBuffer(found) && found.equals(seen instanceof Uint8Array ? seen : Buffer.from(String(seen)))
}
