/**
 * Scripts over the record of what was invalidated: one hash, with a field for each tag and one for the floor. Everything that
 * was made at the floor or before is forgotten, so that a record that was lost, or has let go of old tags, hides no invalidation.
 * All instants are the server's own, in milliseconds with a fraction. A tag's field is `removed:stale:until`, where "" is never.
 */
import { Schema } from "effect"
import { eraLua, memoryEra } from "../../schema/era.ts"
import type { ScriptStore } from "../../schema/Script.ts"
import * as CacheScript from "../../services/CacheScript.ts"

/** Tags in the record. When there are more, the older half of them goes, and becomes the floor. */
export const maxTags = 10_000

const floorField = "floor"
const tagField = (tag: string) => `tag:${tag}`

const nowLua = `
local time = redis.call('TIME')
local now = string.format('%.3f', time[1] * 1000 + time[2] / 1000)`

const Instant = Schema.FiniteFromString

const textOf = (reply: unknown): string => (typeof reply === "string" ? reply : "")

const nowIn = ({ call }: ScriptStore): number => {
  const time = call("TIME")
  const [seconds, micros] = Array.isArray(time) ? time : []
  return Number(seconds) * 1000 + Number(micros) / 1000
}

/** The memory store counts whole milliseconds: what is invalidated in one of them is so at its end. */
const atEndOf = (now: number): number => now + 1

const toText = (millis: number): string => millis.toFixed(3)

/** A record without a floor begins now. */
const floorLua = `
redis.call('HSETNX', KEYS[1], '${floorField}', now)
local floor = redis.call('HGET', KEYS[1], '${floorField}')`

const Tags = Schema.fromJsonString(Schema.Array(Schema.String))

/** Reads the record for some tags: the server's history and its time, the floor, the field of each tag. */
export const readInvalidations = CacheScript.make({
  name: "nextTags",
  keys: ["record"],
  args: { tags: Tags },
  result: Schema.Tuple([Schema.String, Instant, Instant, Schema.Array(Schema.String)]),
  lua: `${eraLua}${nowLua}${floorLua}
local fields = {}
for i, tag in ipairs(cjson.decode(ARGV[1])) do
  fields[i] = redis.call('HGET', KEYS[1], 'tag:' .. tag) or ''
end
return { era, now, floor, fields }`,
  memory: (store, [record = ""], [tags = ""]) => {
    const now = nowIn(store)
    store.call("HSETNX", record, floorField, toText(atEndOf(now)))
    return [
      memoryEra,
      toText(now),
      textOf(store.call("HGET", record, floorField)),
      Schema.decodeUnknownSync(Tags)(tags).map((tag) => textOf(store.call("HGET", record, tagField(tag))))
    ]
  }
})

/**
 * Invalidates tags. `expire` is for how many milliseconds entries that bear them may be served while they are made anew: null is not
 * at all, and -1 is for ever. A removed tag stays removed, and no deadline is put off. Returns the server's history and its time.
 */
export const invalidate = CacheScript.make({
  name: "nextInvalidate",
  keys: ["record"],
  args: { tags: Tags, expire: Schema.fromJsonString(Schema.NullOr(Schema.Finite)), maxTags: Schema.FiniteFromString },
  result: Schema.Tuple([Schema.String, Instant]),
  lua: `${eraLua}${nowLua}${floorLua}
local expire = ARGV[2] ~= 'null' and tonumber(ARGV[2])
for _, tag in ipairs(cjson.decode(ARGV[1])) do
  local field = 'tag:' .. tag
  local old = redis.call('HGET', KEYS[1], field) or '::'
  local removed, stale, til = string.match(old, '^([^:]*):([^:]*):([^:]*)$')
  if not expire then
    removed, stale, til = now, '', ''
  else
    if til ~= '' and tonumber(til) <= tonumber(now) then removed, til = stale, '' end
    local new = expire >= 0 and string.format('%.3f', tonumber(now) + expire) or ''
    if til == '' or (new ~= '' and tonumber(new) < tonumber(til)) then til = new end
    stale = now
  end
  redis.call('HSET', KEYS[1], field, removed .. ':' .. stale .. ':' .. til)
end
if redis.call('HLEN', KEYS[1]) - 1 <= tonumber(ARGV[3]) then return { era, now } end
local all = redis.call('HGETALL', KEYS[1])
local instants, byField = {}, {}
for i = 1, #all, 2 do
  local removed, stale = string.match(all[i + 1], '^([^:]*):([^:]*):')
  if removed then
    byField[all[i]] = math.max(tonumber(removed) or 0, tonumber(stale) or 0)
    instants[#instants + 1] = byField[all[i]]
  end
end
table.sort(instants)
floor = instants[math.ceil(#instants / 2)]
redis.call('HSET', KEYS[1], 'floor', string.format('%.3f', floor))
for field, instant in pairs(byField) do
  if instant <= floor then redis.call('HDEL', KEYS[1], field) end
end
return { era, now }`,
  memory: (store, [record = ""], [tags = "", expireText = "", most = ""]) => {
    const { call } = store
    const now = nowIn(store)
    call("HSETNX", record, floorField, toText(atEndOf(now)))
    const expire = expireText === "null" ? undefined : Number(expireText)
    for (const tag of Schema.decodeUnknownSync(Tags)(tags)) {
      const old = textOf(call("HGET", record, tagField(tag))) || "::"
      call("HSET", record, tagField(tag), invalidated(old, atEndOf(now), expire))
    }
    if (Number(call("HLEN", record)) - 1 > Number(most)) forgetOldest(store, record)
    return [memoryEra, toText(now)]
  }
})

const invalidated = (old: string, now: number, expire: number | undefined): string => {
  if (expire === undefined) return `${toText(now)}::`
  const [removed = "", stale = "", until = ""] = old.split(":")
  const isOver = until !== "" && Number(until) <= now
  const deadlines = [isOver || until === "" ? Infinity : Number(until), expire < 0 ? Infinity : now + expire]
  const deadline = Math.min(...deadlines)
  return `${isOver ? stale : removed}:${toText(now)}:${deadline === Infinity ? "" : toText(deadline)}`
}

const forgetOldest = ({ call }: ScriptStore, record: string): void => {
  const all = call("HGETALL", record)
  const fields = Array.isArray(all) ? all.map(textOf) : []
  const tags = fields.flatMap((field, i) => {
    const [removed, stale] = (fields[i + 1] ?? "").split(":")
    return i % 2 === 1 || field === floorField ? [] : [{ field, instant: Math.max(Number(removed), Number(stale)) }]
  })
  const instants = tags.map(({ instant }) => instant).toSorted((a, b) => a - b)
  const floor = instants[Math.ceil(instants.length / 2) - 1] ?? 0
  call("HSET", record, floorField, toText(floor))
  for (const { field, instant } of tags) if (instant <= floor) call("HDEL", record, field)
}
