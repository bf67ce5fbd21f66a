/**
 * The scripts behind semaphores. KEYS: holders by the end of their lease; waiters by their place in the row; a hash of
 * how many permits are used, the last place, until when each waiter counts as alive, and until when any of it is needed.
 * A member is a token, a colon, and how many permits it is about, so that what was evicted is found out again.
 */
import type { Arg, Reply } from "../../../schema/Command.ts"
import type { Script, ScriptStore } from "../../../schema/Script.ts"

/** Told at once; the others hear of it from those who then release. */
const told = 100

/** Reads what is used, forgets the dead. ARGV[1]: permits; ARGV[2]: the channel. */
const prelude = `
local permits = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function weightOf(member) return tonumber(string.match(member, ':(%d+)$')) end
local used = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  used = tonumber(redis.call('HGET', KEYS[3], 'used'))
  if not used then
    used = 0
    for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do used = used + weightOf(member) end
  end
end
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE')) do
  redis.call('ZREM', KEYS[1], member)
  used = used - weightOf(member)
end
local function head()
  local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  while first and (tonumber(redis.call('HGET', KEYS[3], first)) or 0) <= now do
    redis.call('ZREM', KEYS[2], first)
    redis.call('HDEL', KEYS[3], first)
    first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  end
  return first
end
local function wake()
  local free = permits - used
  if free <= 0 or not head() then return end
  for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, ${told - 1})) do
    free = free - weightOf(member)
    if free < 0 then return end
    redis.pcall('PUBLISH', ARGV[2], member)
  end
end
local function save(needed)
  if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then return redis.call('DEL', KEYS[3]) end
  local ends = tonumber(redis.call('HGET', KEYS[3], 'until')) or 0
  if now + needed > ends then ends = now + needed end
  redis.call('HSET', KEYS[3], 'used', used, 'until', string.format('%.0f', ends))
  for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', ends)) end
end
`

/** The same in TypeScript. */
class Twin {
  readonly now: number
  used = 0
  readonly #call: ScriptStore["call"]
  readonly #keys: readonly [holders: string, row: string, facts: string]
  readonly #permits: number
  readonly #channel: Arg

  constructor({ call }: ScriptStore, keys: ReadonlyArray<string>, [permits = 0, channel = ""]: ReadonlyArray<Arg>) {
    const [holders = "", row = "", facts = ""] = keys
    this.#call = call
    this.#keys = [holders, row, facts]
    this.#permits = Number(permits)
    this.#channel = channel
    const time = list(call("TIME")).map(Number)
    this.now = (time[0] ?? 0) * 1000 + Math.floor((time[1] ?? 0) / 1000)
    if (call("EXISTS", holders) === 1) {
      const used = call("HGET", facts, "used")
      this.used = used === null ? sum(list(call("ZRANGE", holders, 0, -1))) : Number(used)
    }
    for (const member of list(call("ZRANGE", holders, "-inf", this.now, "BYSCORE"))) {
      call("ZREM", holders, member)
      this.used -= weightOf(member)
    }
  }

  get free(): number {
    return this.#permits - this.used
  }

  head(): string | undefined {
    const [, row, facts] = this.#keys
    for (;;) {
      const [first] = list(this.#call("ZRANGE", row, 0, 0))
      if (first === undefined || Number(this.#call("HGET", facts, first) ?? 0) > this.now) return first
      this.#call("ZREM", row, first)
      this.#call("HDEL", facts, first)
    }
  }

  wake(): void {
    let free = this.free
    if (free <= 0 || this.head() === undefined) return
    for (const member of list(this.#call("ZRANGE", this.#keys[1], 0, told - 1))) {
      free -= weightOf(member)
      if (free < 0) return
      this.#call("PUBLISH", this.#channel, member)
    }
  }

  save(needed: number): void {
    const [holders, row, facts] = this.#keys
    if (this.#call("EXISTS", holders, row) === 0) return void this.#call("DEL", facts)
    const ends = Math.max(Number(this.#call("HGET", facts, "until") ?? 0), this.now + needed)
    this.#call("HSET", facts, "used", this.used, "until", ends)
    for (const key of this.#keys) this.#call("PEXPIREAT", key, ends)
  }
}

const list = (reply: Reply): ReadonlyArray<string> => (Array.isArray(reply) ? reply.map(String) : [])
const weightOf = (member: string): number => Number(member.slice(member.lastIndexOf(":") + 1))
const sum = (members: ReadonlyArray<string>): number => members.reduce((all, member) => all + weightOf(member), 0)

/** An instant that never comes: where leases have no end. */
const never = 9_000_000_000_000

/**
 * ARGV: permits, channel, member, lease in milliseconds, for how many a waiter counts as alive, 0 = does not wait. −1 = granted; else for how many
 * milliseconds nothing changes by itself. Who was granted it already, and does not know, is granted it again.
 */
export const acquirePermitsScript: Script = {
  name: "semaphore.acquire",
  exclusive: true,
  lua: `${prelude}
local member = ARGV[3]
local mine = redis.call('ZSCORE', KEYS[1], member)
local first = head()
if mine or (used + weightOf(member) <= permits and (not first or first == member)) then
  if not mine then used = used + weightOf(member) end
  redis.call('ZADD', KEYS[1], now + ARGV[4], member)
  redis.call('ZREM', KEYS[2], member)
  redis.call('HDEL', KEYS[3], member)
  wake()
  save(tonumber(ARGV[4]))
  return -1
end
if ARGV[5] ~= '0' then
  if not redis.call('ZSCORE', KEYS[2], member) then
    local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2] or 0
    redis.call('ZADD', KEYS[2], last + 1, member)
  end
  redis.call('HSET', KEYS[3], member, now + ARGV[5])
  save(tonumber(ARGV[5]))
else
  save(0)
end
local ends = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
local dies = first and first ~= member and tonumber(redis.call('HGET', KEYS[3], first))
return math.max(0, math.min(ends or ${never}, dies or ${never}) - now)`,
  memory: (store, keys, args) => {
    const { call } = store
    const [holders = "", row = "", facts = ""] = keys
    const [, , memberArg = "", lease = 0, patienceArg = 0] = args
    const twin = new Twin(store, keys, args)
    const member = String(memberArg)
    const mine = call("ZSCORE", holders, member) !== null
    const first = twin.head()
    if (mine || (weightOf(member) <= twin.free && (first === undefined || first === member))) {
      if (!mine) twin.used += weightOf(member)
      call("ZADD", holders, twin.now + Number(lease), member)
      call("ZREM", row, member)
      call("HDEL", facts, member)
      twin.wake()
      twin.save(Number(lease))
      return -1
    }
    const patience = Number(patienceArg)
    if (patience > 0) {
      if (call("ZSCORE", row, member) === null) {
        const last = Number(list(call("ZRANGE", row, -1, -1, "WITHSCORES"))[1] ?? 0)
        call("ZADD", row, last + 1, member)
      }
      call("HSET", facts, member, twin.now + patience)
      twin.save(patience)
    } else {
      twin.save(0)
    }
    const ends = list(call("ZRANGE", holders, 0, 0, "WITHSCORES"))[1]
    const dies = first !== undefined && first !== member ? call("HGET", facts, first) : null
    return Math.max(0, Math.min(Number(ends ?? never), Number(dies ?? never)) - twin.now)
  }
}

/** ARGV: permits, channel, member; its lease ends in so many milliseconds at least, and so many later than it would. 1 = done, 0 = not held. */
export const extendPermitsScript: Script = {
  name: "semaphore.extend",
  exclusive: true,
  lua: `${prelude}
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[3]))
if ends then
  ends = math.max(ends + ARGV[5], now + ARGV[4])
  redis.call('ZADD', KEYS[1], ends, ARGV[3])
end
wake()
save(ends and ends - now or 0)
return ends and 1 or 0`,
  memory: (store, keys, args) => {
    const [holders = ""] = keys
    const [, , member = "", least = 0, more = 0] = args
    const twin = new Twin(store, keys, args)
    const score = store.call("ZSCORE", holders, member)
    const ends = score === null ? undefined : Math.max(Number(score) + Number(more), twin.now + Number(least))
    if (ends !== undefined) store.call("ZADD", holders, ends, member)
    twin.wake()
    twin.save(ends === undefined ? 0 : ends - twin.now)
    return ends === undefined ? 0 : 1
  }
}

/** ARGV: permits, channel, member, which holds or waits no more. 1 = it held them. */
export const releasePermitsScript: Script = {
  name: "semaphore.release",
  exclusive: true,
  lua: `${prelude}
local held = redis.call('ZREM', KEYS[1], ARGV[3])
if held == 1 then used = used - weightOf(ARGV[3]) end
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('HDEL', KEYS[3], ARGV[3])
wake()
save(0)
return held`,
  memory: (store, keys, args) => {
    const { call } = store
    const [holders = "", row = "", facts = ""] = keys
    const member = String(args[2])
    const twin = new Twin(store, keys, args)
    const held = call("ZREM", holders, member)
    if (held === 1) twin.used -= weightOf(member)
    call("ZREM", row, member)
    call("HDEL", facts, member)
    twin.wake()
    twin.save(0)
    return held
  }
}

/** ARGV: permits, channel. How many nobody holds. */
export const availableScript: Script = {
  name: "semaphore.available",
  exclusive: true,
  lua: `${prelude}
save(0)
return math.max(0, permits - used)`,
  memory: (store, keys, args) => {
    const twin = new Twin(store, keys, args)
    twin.save(0)
    return Math.max(0, twin.free)
  }
}

/** How long a lease without end is for the server. */
export const endless = never
