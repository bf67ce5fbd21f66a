/**
 * The scripts behind `EffectRunnerStorage`. All instants are the server's. A shard's lease is the text `<ends at> <address>` in
 * one hash without a lifetime, so that no policy of eviction that spares keys without one removes it. Instants are cut off to
 * whole milliseconds, so that a lease holds through the one at which it ends: its runner counts it by a finer clock.
 */
import type { Reply } from "../../schema/Command.ts"
import type { Script, ScriptStore } from "../../schema/Script.ts"

/** KEYS of all scripts, in this order. */
export const keysOf = (prefix: string): ReadonlyArray<string> =>
  ["runners", "healthy", "heartbeats", "machines", "shards"].map((name) => `${prefix}:${name}`)

/** Machine ids count in a snowflake modulo this. */
const machines = 1024

const prelude = `
local runners, healthy, heartbeats, machines, shards = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function holder(shard)
  local lease = redis.call('HGET', shards, shard)
  if not lease then return nil, 0 end
  local at = string.find(lease, ' ', 1, true)
  return string.sub(lease, at + 1), tonumber(string.sub(lease, 1, at - 1))
end
local function hold(shard, address, lease)
  redis.call('HSET', shards, shard, string.format('%.0f', now + lease) .. ' ' .. address)
end
`

/** The tables of the scripts' prelude in TypeScript: the store in memory runs no Lua. */
class RunnerTables {
  readonly now: number
  readonly call: ScriptStore["call"]
  readonly runners: string
  readonly healthy: string
  readonly heartbeats: string
  readonly machines: string
  readonly shards: string

  constructor(call: ScriptStore["call"], keys: ReadonlyArray<string>) {
    const [runners = "", healthy = "", heartbeats = "", machines = "", shards = ""] = keys
    this.call = call
    this.runners = runners
    this.healthy = healthy
    this.heartbeats = heartbeats
    this.machines = machines
    this.shards = shards
    const [seconds = "0", micros = "0"] = textsIn(call("TIME"))
    this.now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  }

  holder(shard: string): { readonly address: string | undefined; readonly endsAt: number } {
    const lease = this.call("HGET", this.shards, shard)
    if (lease === null) return { address: undefined, endsAt: 0 }
    const at = String(lease).indexOf(" ")
    return { address: String(lease).slice(at + 1), endsAt: Number(String(lease).slice(0, at)) }
  }

  hold(shard: string, address: string, lease: number): void {
    this.call("HSET", this.shards, shard, `${this.now + lease} ${address}`)
  }
}

export const textsIn = (reply: Reply): Array<string> => (Array.isArray(reply) ? reply.map(String) : [])

const script = (
  name: string,
  lua: string,
  memory: (tables: RunnerTables, args: ReadonlyArray<string>) => Reply
): Script => ({
  name: `runners.${name}`,
  // What stands in for a server that is away would let two runners work on one shard.
  exclusive: true,
  lua: prelude + lua,
  memory: ({ call }, keys, args) => memory(new RunnerTables(call, keys), args.map(String))
})

/** ARGV: address, runner, "1" where it is healthy. The machine id, which no other registered runner has, also as snowflakes count. */
export const registerScript = script(
  "register",
  `
local address, runner, isHealthy = unpack(ARGV)
redis.call('HSET', runners, address, runner)
redis.call('HSET', healthy, address, isHealthy)
redis.call('ZADD', heartbeats, now, address)
local id = redis.call('HGET', machines, address)
if id then return tonumber(id) end
local used = {}
for _, other in ipairs(redis.call('HKEYS', runners)) do
  local taken = redis.call('HGET', machines, other)
  if taken then used[taken % ${machines}] = true end
end
for _ = 1, ${machines} do
  id = redis.call('HINCRBY', machines, '', 1)
  if not used[id % ${machines}] then break end
end
redis.call('HSET', machines, address, id)
return id`,
  ({ call, healthy, heartbeats, machines: ids, now, runners }, [address = "", runner = "", isHealthy = ""]) => {
    call("HSET", runners, address, runner)
    call("HSET", healthy, address, isHealthy)
    call("ZADD", heartbeats, now, address)
    const known = call("HGET", ids, address)
    if (known !== null) return Number(known)
    const taken = textsIn(call("HKEYS", runners)).flatMap((other) => call("HGET", ids, other) ?? [])
    const used = new Set(taken.map((id) => Number(id) % machines))
    let id = 0
    for (let i = 0; i < machines; i++) {
      id = Number(call("HINCRBY", ids, "", 1))
      if (!used.has(id % machines)) break
    }
    call("HSET", ids, address, id)
    return id
  }
)

/** ARGV: address, lease. Forgets it, and all that were not heard of for so long. */
export const unregisterScript = script(
  "unregister",
  `
local gone = redis.call('ZRANGE', heartbeats, '-inf', '(' .. string.format('%.0f', now - ARGV[2]), 'BYSCORE')
gone[#gone + 1] = ARGV[1]
for _, address in ipairs(gone) do
  redis.call('HDEL', runners, address)
  redis.call('HDEL', healthy, address)
  redis.call('HDEL', machines, address)
  redis.call('ZREM', heartbeats, address)
end
return #gone`,
  ({ call, healthy, heartbeats, machines, now, runners }, [address = "", lease]) => {
    const gone = [...textsIn(call("ZRANGE", heartbeats, "-inf", `(${now - Number(lease)}`, "BYSCORE")), address]
    for (const one of gone) {
      for (const table of [runners, healthy, machines]) call("HDEL", table, one)
      call("ZREM", heartbeats, one)
    }
    return gone.length
  }
)

/** ARGV: lease. Runner and "1" or "0" by turns, of all that were heard of within it. */
export const runnersScript = script(
  "list",
  `
local found = {}
local since = '(' .. string.format('%.0f', now - ARGV[1])
for _, address in ipairs(redis.call('ZRANGE', heartbeats, since, '+inf', 'BYSCORE')) do
  local runner = redis.call('HGET', runners, address)
  if runner then
    found[#found + 1] = runner
    found[#found + 1] = redis.call('HGET', healthy, address) or '0'
  end
end
return found`,
  ({ call, healthy, heartbeats, now, runners }, [lease]) =>
    textsIn(call("ZRANGE", heartbeats, `(${now - Number(lease)}`, "+inf", "BYSCORE")).flatMap((address) => {
      const runner = call("HGET", runners, address)
      return runner === null ? [] : [runner, call("HGET", healthy, address) ?? "0"]
    })
)

/** ARGV: address, "1" where it is healthy. */
export const healthScript = script(
  "health",
  `
if redis.call('HEXISTS', runners, ARGV[1]) == 0 then return 0 end
redis.call('HSET', healthy, ARGV[1], ARGV[2])
return 1`,
  ({ call, healthy, runners }, [address = "", isHealthy = ""]) => {
    if (call("HEXISTS", runners, address) === 0) return 0
    call("HSET", healthy, address, isHealthy)
    return 1
  }
)

/** ARGV: address, lease, shards. Those of them that are its own from now on. */
export const acquireScript = script(
  "acquire",
  `
local address, lease, held = ARGV[1], ARGV[2], {}
for i = 3, #ARGV do
  local owner, endsAt = holder(ARGV[i])
  if not owner or owner == address or endsAt < now then
    hold(ARGV[i], address, lease)
    held[#held + 1] = ARGV[i]
  end
end
return held`,
  (tables, [address = "", lease, ...shards]) =>
    shards.filter((shard) => {
      const { address: owner, endsAt } = tables.holder(shard)
      if (owner !== undefined && owner !== address && endsAt >= tables.now) return false
      tables.hold(shard, address, Number(lease))
      return true
    })
)

/**
 * ARGV: address, lease, shards. Those of them that are still its own. They are renewed while the runner is registered: one that is stuck in
 * its end keeps them no longer than their lease.
 */
export const refreshScript = script(
  "refresh",
  `
local address, lease, held = ARGV[1], ARGV[2], {}
local isRegistered = redis.call('HEXISTS', runners, address) == 1
if isRegistered then redis.call('ZADD', heartbeats, now, address) end
for i = 3, #ARGV do
  local owner, endsAt = holder(ARGV[i])
  if owner == address and (isRegistered or endsAt >= now) then
    if isRegistered then hold(ARGV[i], address, lease) end
    held[#held + 1] = ARGV[i]
  end
end
return held`,
  (tables, [address = "", lease, ...shards]) => {
    const { call, heartbeats, now, runners } = tables
    const isRegistered = call("HEXISTS", runners, address) === 1
    if (isRegistered) call("ZADD", heartbeats, now, address)
    return shards.filter((shard) => {
      const { address: owner, endsAt } = tables.holder(shard)
      if (owner !== address || (!isRegistered && endsAt < now)) return false
      if (isRegistered) tables.hold(shard, address, Number(lease))
      return true
    })
  }
)

/** ARGV: address, shards; without any all that are its own. How many were. */
export const releaseScript = script(
  "release",
  `
local address, wanted, released = ARGV[1], {}, 0
for i = 2, #ARGV do wanted[i - 1] = ARGV[i] end
if #wanted == 0 then wanted = redis.call('HKEYS', shards) end
for _, shard in ipairs(wanted) do
  if holder(shard) == address then released = released + redis.call('HDEL', shards, shard) end
end
return released`,
  (tables, [address = "", ...shards]) => {
    const { call } = tables
    const wanted = shards.length === 0 ? textsIn(call("HKEYS", tables.shards)) : shards
    const own = wanted.filter((shard) => tables.holder(shard).address === address)
    for (const shard of own) call("HDEL", tables.shards, shard)
    return own.length
  }
)
