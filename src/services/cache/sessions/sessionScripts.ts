/** The scripts behind sessions. Each concerns one key, and a fallback runs none of them: there is one store of sessions. */
import type { Arg, Reply } from "../../../schema/Command.ts"
import { bareClaim, type Stored } from "../../../schema/frame.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"
import { replaceScript as replaceAny } from "../kernel/compareScripts.ts"
import { isStored } from "../kernel/entry.ts"

/** What stands under the key of a session that got another key. For all who read it as a value it is nothing. */
export const tombstone = bareClaim({ until: 0, token: "0" })

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

export const isTombstone = (stored: Stored): boolean =>
  typeof stored === "string" ? stored === tombstone : stored.equals(Buffer.from(tombstone))

const absenceIn = (found: Reply): number | undefined => {
  if (found === null) return absence.missing
  return isStored(found) && isTombstone(found) ? absence.ended : undefined
}

const script = (name: string, lua: string, memory: NonNullable<Script["memory"]>): Script => ({
  name,
  exclusive: true,
  uses: "changes",
  lua,
  memory
})

/** A script on a session that lives, which is `found`. Where there is none, it replies with an absence. */
const ofLiving = (
  name: string,
  lua: string,
  memory: (store: ScriptStore, key: string, args: ReadonlyArray<Arg>, found: Reply) => Reply
): Script =>
  script(
    name,
    `
local found = redis.call('GET', KEYS[1])
if not found then return ${absence.missing} end
if found == ${ended} then return ${absence.ended} end
${lua}`,
    (store, [key = ""], args) => {
      const found = store.bytes("GET", key)
      return absenceIn(found) ?? memory(store, key, args, found)
    }
  )

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
export const findScript = ofLiving(
  "session.find",
  `${expire}
expire(ARGV[1])
return {found, redis.call('PTTL', KEYS[1])}`,
  (store, key, [lifetime = ""], found) => {
    expireWith(store, key, String(lifetime))
    return [found, store.call("PTTL", key)]
  }
)

/** ARGV: the data; the lifetime. 1 = saved, or an absence. */
export const saveScript = ofLiving(
  "session.save",
  `${expire}
redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
expire(ARGV[2])
return 1`,
  (store, key, [data = "", lifetime = ""]) => {
    store.call("SET", key, data, "KEEPTTL")
    expireWith(store, key, String(lifetime))
    return 1
  }
)

/** ARGV: what was found there; the data that takes its place; the lifetime. 1 = replaced, 0 = it is another by now. */
export const replaceScript: Script = { ...replaceAny, name: "session.replace", exclusive: true }

/** ARGV: what was found there; the tombstone; for how long it stands, "0" = there is none. 1 = ended, 0 = it is another by now. */
export const endScript: Script = { ...replaceAny, name: "session.end", exclusive: true }

/** ARGV: the lifetime. 1 = it lives, or an absence. */
export const touchScript = ofLiving(
  "session.touch",
  `${expire}
expire(ARGV[1])
return 1`,
  (store, key, [lifetime = ""]) => {
    expireWith(store, key, String(lifetime))
    return 1
  }
)

/** 1 = destroyed, or an absence: what says that the session has ended stays. */
export const destroyScript = ofLiving("session.destroy", "return redis.call('UNLINK', KEYS[1])", ({ call }, key) =>
  call("UNLINK", key)
)
