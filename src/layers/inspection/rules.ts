/** The table of verdicts: each setting of a server that matters to a cache, what is good and what is not. */
import type { Topology } from "../../schema/Command.ts"
import { numberOf } from "./info.ts"
import { inBytes } from "./words.ts"
import { advise, type Judgement, ok, problem } from "./Verdict.ts"

/** What is known of one server. */
export interface Facts {
  readonly topology: Topology
  /** INFO of the server. */
  readonly info: ReadonlyMap<string, string>
  /** CONFIG GET of `settings`; undefined where it was not asked for or not answered. */
  readonly config: ReadonlyMap<string, string> | undefined
}

export interface Rule {
  readonly check: string
  /** Undefined where the server says nothing about it. */
  readonly judge: (facts: Facts) => Judgement | undefined
}

/** The settings that are read by their names; none of them can be a secret. */
export const settings = [
  "timeout",
  "tracking-table-max-keys",
  "notify-keyspace-events",
  "slowlog-log-slower-than"
] as const

const version: Rule = {
  check: "version",
  judge: ({ info }) => {
    const valkey = info.get("valkey_version")
    const other = info.get("redis_version")
    if (valkey !== undefined) return ok(`The server is Valkey ${valkey}.`)
    return other === undefined ? undefined : ok(`The server is Redis ${other}, or speaks like it.`)
  }
}

const loading: Rule = {
  check: "loading",
  judge: ({ info }) =>
    info.get("loading") === "1"
      ? problem("The server is loading its data, and refuses commands.", "Wait until it has finished.")
      : undefined
}

const cluster: Rule = {
  check: "cluster",
  judge: ({ info, topology }) =>
    info.get("cluster_enabled") === "1" && topology !== "cluster"
      ? problem(
          "The server belongs to a cluster, and the URL names it as a single server: keys of other servers fail with MOVED.",
          "Use the scheme cluster:// (with TLS clusters://) with the same address."
        )
      : undefined
}

const role: Rule = {
  check: "role",
  judge: ({ info, topology }) => {
    if (info.get("role") === "master") return ok("The server is a primary.")
    if (info.get("role") !== "slave") return undefined
    const primary = `${info.get("master_host") ?? "?"}:${info.get("master_port") ?? "?"}`
    if (topology !== "replicated" && topology !== "cluster") {
      return problem(
        `The server is a replica of ${primary}: it refuses writes with READONLY.`,
        "Use the URL of the primary, the URLs of both separated by a comma, or the URL of the sentinels."
      )
    }
    return info.get("master_link_status") === "up"
      ? ok(`The server is a replica of ${primary}, and is connected to it.`)
      : problem(`The server is a replica of ${primary} and has no connection to it.`, "Repair the replication.")
  }
}

const replicas: Rule = {
  check: "replicas",
  judge: ({ info }) => {
    const lines = [...info].filter(([name]) => /^slave\d+$/.test(name)).map(([, line]) => line)
    if (info.get("role") !== "master" || lines.length === 0) return undefined
    const behind = lines.filter((line) => !line.includes("state=online")).length
    return behind === 0
      ? ok(`${lines.length} ${lines.length === 1 ? "replica is" : "replicas are"} online.`)
      : advise(
          `${behind} of ${lines.length} replicas are not online.`,
          "Look at the log of the replica. A failover to it would lose the writes that it has not received."
        )
  }
}

const maxmemory: Rule = {
  check: "maxmemory",
  judge: ({ info }) => {
    const limit = numberOf(info, "maxmemory")
    if (limit === undefined) return undefined
    const used = inBytes(numberOf(info, "used_memory") ?? 0)
    return limit === 0
      ? advise(
          `maxmemory is 0: the server takes memory until the machine has none. It uses ${used} now.`,
          "Set maxmemory to the memory that the machine can spare, with a policy that evicts."
        )
      : ok(`The server uses ${used} of ${inBytes(limit)}.`)
  }
}

const policy: Rule = {
  check: "maxmemory-policy",
  judge: ({ info }) => {
    const name = info.get("maxmemory_policy")
    if (name === undefined) return undefined
    if (name !== "noeviction") {
      return ok(
        name.startsWith("volatile-")
          ? `${name}: a full server evicts keys that have a lifetime.`
          : `${name}: a full server evicts keys. It may evict locks and sessions, too.`
      )
    }
    return numberOf(info, "maxmemory") === 0
      ? advise(
          "noeviction: the server never evicts.",
          "Set maxmemory, and maxmemory-policy to allkeys-lfu or volatile-lfu."
        )
      : problem(
          "noeviction: when the server is full, it refuses writes with OOM.",
          "Set maxmemory-policy to allkeys-lfu for a cache, or to volatile-lfu if the server also has locks or sessions."
        )
  }
}

const evictions: Rule = {
  check: "evictions",
  judge: ({ info }) => {
    const evicted = numberOf(info, "evicted_keys")
    if (evicted === undefined) return undefined
    return evicted === 0
      ? ok("No key was evicted since the server started.")
      : advise(
          `${evicted} keys were evicted since the server started.`,
          "If the hit rate suffers, give the server more memory, or store fewer values or for a shorter time."
        )
  }
}

const snapshots: Rule = {
  check: "snapshots",
  judge: ({ info }) =>
    info.get("rdb_last_bgsave_status") === "err"
      ? problem(
          "The last snapshot could not be written. With stop-writes-on-bgsave-error the server refuses writes with MISCONF.",
          'Repair the disk, or turn snapshots off: save "".'
        )
      : undefined
}

const clients: Rule = {
  check: "clients",
  judge: ({ info }) => {
    const connected = numberOf(info, "connected_clients")
    const limit = numberOf(info, "maxclients")
    if (connected === undefined) return undefined
    const many = limit !== undefined && connected > 0.8 * limit
    if (many) {
      return problem(
        `${connected} of at most ${limit} clients are connected.`,
        "Raise maxclients, or find the program that keeps them open."
      )
    }
    const rejected = numberOf(info, "rejected_connections") ?? 0
    return rejected > 0
      ? advise(`${rejected} connections were rejected since the server started.`, "Raise maxclients.")
      : ok(`${connected} ${connected === 1 ? "client is" : "clients are"} connected.`)
  }
}

const timeout: Rule = {
  check: "timeout",
  judge: ({ config }) => {
    const seconds = numberOf(config, "timeout")
    if (seconds === undefined) return undefined
    return seconds === 0
      ? ok("timeout is 0: the server does not close idle connections.")
      : advise(
          `The server closes connections that were idle for ${seconds} seconds.`,
          "Set timeout to 0 and leave dead connections to tcp-keepalive."
        )
  }
}

const trackingTable: Rule = {
  check: "tracking-table",
  judge: ({ config, info }) => {
    const most = numberOf(config, "tracking-table-max-keys")
    const keys = numberOf(info, "tracking_total_keys")
    if (most === undefined || keys === undefined) return undefined
    return most > 0 && keys > 0.9 * most
      ? advise(
          `The tracking table has ${keys} of at most ${most} keys: to make room, the server announces changes that did not happen.`,
          'Raise tracking-table-max-keys, or use `tracking: "broadcast"`.'
        )
      : ok(`The tracking table has ${keys} of at most ${most === 0 ? "any number of" : most} keys.`)
  }
}

const notifications: Rule = {
  check: "notify-keyspace-events",
  judge: ({ config }) => {
    const events = config?.get("notify-keyspace-events")
    if (events === undefined) return undefined
    return events === ""
      ? ok("The server publishes no keyspace events, which this cache does not need.")
      : advise(
          `The server publishes keyspace events (${events}), which cost the server time for each change.`,
          'If no other program listens to them, set notify-keyspace-events to "".'
        )
  }
}

const slowLog: Rule = {
  check: "slow-log",
  judge: ({ config }) => {
    const micros = numberOf(config, "slowlog-log-slower-than")
    if (micros === undefined) return undefined
    return micros < 0
      ? advise(
          "The server remembers no slow commands.",
          "Set slowlog-log-slower-than to 10000 to see the commands that make others wait for 10 ms or more."
        )
      : ok(`The server remembers commands that took ${micros / 1000} ms or longer.`)
  }
}

export const rules: ReadonlyArray<Rule> = [
  version,
  loading,
  cluster,
  role,
  replicas,
  maxmemory,
  policy,
  evictions,
  snapshots,
  clients,
  timeout,
  trackingTable,
  notifications,
  slowLog
]
