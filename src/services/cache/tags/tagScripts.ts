/**
 * Scripts over the records of tags. All records of one cache are in one hash slot, so that each script sees them at one moment.
 * KEYS: the ledger, then the tokens. The reply of those that read: the server's era, the ledger, the tokens.
 */
import type { Arg, Reply } from "../../../schema/Command.ts"
import { eraLua, memoryEra } from "../../../schema/era.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"
import { ledgerIn, ledgerText, tokenIn, tokenText } from "./TagRecords.ts"

const textOf = (reply: Reply | Arg | undefined): string => (typeof reply === "string" ? reply : "")

/** What is no ledger is taken for none. */
const ledgerOf = ({ call }: ScriptStore, key: string) =>
  call("TYPE", key) === "string" ? ledgerIn(textOf(call("GET", key))) : undefined

const tokenOf = ({ call }: ScriptStore, key: string) =>
  call("TYPE", key) === "string" ? tokenIn(textOf(call("GET", key))) : undefined

const functionsLua = `
local function read(key)
  if redis.call('TYPE', key).ok ~= 'string' then return '' end
  return redis.call('GET', key)
end
local lineage, count = string.match(read(KEYS[1]), '^(%w+):(%d+)$')`

/**
 * Gives each tag a token that has none of the ledger's lineage. ARGV: what is random; for how long each token is needed, in
 * milliseconds, "" = for ever; for how long one that would end before is kept.
 */
export const ensureTagsScript: Script = {
  name: "ensureTags",
  uses: "changes",
  lua: `${eraLua}${functionsLua}
if not lineage then
  lineage, count = ARGV[1], '0'
  redis.call('SET', KEYS[1], lineage .. ':' .. count)
end
local records = { era, lineage .. ':' .. count }
for i = 2, #KEYS do
  local key = KEYS[i]
  local token = read(key)
  if string.match(token, '^%w+%.%w+%.%d+%.(%w+)$') == lineage then
    local left = redis.call('PTTL', key)
    if left >= 0 and ARGV[2] == '' then redis.call('PERSIST', key)
    elseif left >= 0 and left < tonumber(ARGV[2]) then redis.call('PEXPIRE', key, ARGV[3]) end
  else
    token = ARGV[1] .. '.' .. ARGV[1] .. '.' .. count .. '.' .. lineage
    if ARGV[2] == '' then redis.call('SET', key, token) else redis.call('SET', key, token, 'PX', ARGV[3]) end
  end
  records[#records + 1] = token
end
return records`,
  memory: (store, [ledgerKey = "", ...keys], [random = "", needed = "", kept = ""]) => {
    const { call } = store
    const fresh = String(random)
    const known = ledgerOf(store, ledgerKey)
    const ledger = known ?? { lineage: fresh, count: 0 }
    if (known === undefined) call("SET", ledgerKey, ledgerText(ledger))
    const tokens = keys.map((key) => {
      if (tokenOf(store, key)?.lineage === ledger.lineage) {
        const left = Number(call("PTTL", key))
        if (left >= 0 && needed === "") call("PERSIST", key)
        else if (left >= 0 && left < Number(needed)) call("PEXPIRE", key, kept)
        return call("GET", key)
      }
      const token = tokenText({ hard: fresh, soft: fresh, ...ledger })
      if (needed === "") call("SET", key, token)
      else call("SET", key, token, "PX", kept)
      return token
    })
    return [memoryEra, ledgerText(ledger), ...tokens]
  }
}

/**
 * Invalidates what bears one of the tags. A tag without a token has no entries, and gets none. ARGV: what is random; "stale"
 * where entries may be served while a lookup runs, "remove" where not.
 */
export const invalidateTagsScript: Script = {
  name: "invalidateTags",
  uses: "changes",
  lua: `${functionsLua}
if not lineage then lineage, count = ARGV[1], '0' end
count = string.format('%.0f', tonumber(count) + 1)
redis.call('SET', KEYS[1], lineage .. ':' .. count)
for i = 2, #KEYS do
  local token = read(KEYS[i])
  if token ~= '' then
    local hard = ARGV[2] == 'stale' and string.match(token, '^(%w+)%.%w+%.%d+%.%w+$') or ARGV[1]
    redis.call('SET', KEYS[i], hard .. '.' .. ARGV[1] .. '.' .. count .. '.' .. lineage, 'KEEPTTL')
  end
end
return 1`,
  memory: (store, [ledgerKey = "", ...keys], [random = "", mode]) => {
    const { call } = store
    const soft = String(random)
    const { count, lineage } = ledgerOf(store, ledgerKey) ?? { lineage: soft, count: 0 }
    const next = { lineage, count: count + 1 }
    call("SET", ledgerKey, ledgerText(next))
    for (const key of keys) {
      if (call("TYPE", key) !== "string") continue
      const hard = (mode === "stale" ? tokenOf(store, key)?.hard : undefined) ?? soft
      call("SET", key, tokenText({ hard, soft, ...next }), "KEEPTTL")
    }
    return 1
  }
}
