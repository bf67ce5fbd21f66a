/** What a server's INFO says, in words, by what it is about. */
import { countOf, keysIn, numberOf } from "./info.ts"
import { inBytes, lifetime, percent } from "./words.ts"

type Info = ReadonlyMap<string, string>

/** What a group of facts is about, and the facts that the server tells. */
export interface ServerFacts {
  readonly about: string
  readonly facts: ReadonlyArray<readonly [term: string, words: string]>
}

const count = (value: number): string => value.toLocaleString("en")

/** The share of hits among all reads since the server started. */
export const hitRate = (info: Info): string => {
  const hits = countOf(info, "keyspace_hits")
  return percent(hits, hits + countOf(info, "keyspace_misses")) ?? "no read yet"
}

export const roleOf = (info: Info): string => (info.get("role") === "slave" ? "replica" : "primary")

const groups: ReadonlyArray<
  readonly [about: string, terms: ReadonlyArray<readonly [term: string, words: (info: Info) => string | undefined]>]
> = [
  [
    "Server",
    [
      ["Version", (info) => info.get("valkey_version") ?? info.get("redis_version")],
      ["Up for", (info) => lifetime(1000 * countOf(info, "uptime_in_seconds"))],
      ["Role", roleOf],
      ["Replicas", (info) => info.get("connected_slaves")],
      [
        "Primary",
        (info) => (info.has("master_host") ? `${info.get("master_host")}:${info.get("master_port")}` : undefined)
      ],
      ["Link to the primary", (info) => info.get("master_link_status")]
    ]
  ],
  [
    "Memory",
    [
      ["Used", (info) => inBytes(countOf(info, "used_memory"))],
      ["Limit", (info) => (countOf(info, "maxmemory") === 0 ? "none" : inBytes(countOf(info, "maxmemory")))],
      ["Highest so far", (info) => inBytes(countOf(info, "used_memory_peak"))],
      ["When it is full", (info) => info.get("maxmemory_policy")],
      ["Fragmentation", (info) => info.get("mem_fragmentation_ratio")]
    ]
  ],
  [
    "Keys",
    [
      ["Keys", (info) => count(keysIn(info))],
      ["Hit rate", hitRate],
      ["Expired", (info) => counted(info, "expired_keys")],
      ["Evicted", (info) => counted(info, "evicted_keys")],
      ["Tracked", (info) => counted(info, "tracking_total_keys")]
    ]
  ],
  [
    "Traffic",
    [
      ["Operations each second", (info) => counted(info, "instantaneous_ops_per_sec")],
      ["Operations so far", (info) => counted(info, "total_commands_processed")],
      ["Refused with an error", (info) => counted(info, "total_error_replies")],
      ["Received", (info) => inBytes(countOf(info, "total_net_input_bytes"))],
      ["Sent", (info) => inBytes(countOf(info, "total_net_output_bytes"))]
    ]
  ],
  [
    "Clients",
    [
      ["Connected", (info) => counted(info, "connected_clients")],
      ["At most", (info) => counted(info, "maxclients")],
      ["Waiting in a command", (info) => counted(info, "blocked_clients")],
      ["Told of changes", (info) => counted(info, "tracking_clients")],
      ["Rejected", (info) => counted(info, "rejected_connections")]
    ]
  ],
  [
    "Persistence",
    [
      ["Last snapshot", (info) => info.get("rdb_last_bgsave_status")],
      ["Changes since then", (info) => counted(info, "rdb_changes_since_last_save")],
      ["Log of writes", (info) => (info.get("aof_enabled") === "1" ? "on" : "off")]
    ]
  ]
]

const counted = (info: Info, name: string): string | undefined => {
  const value = numberOf(info, name)
  return value === undefined ? undefined : count(value)
}

/** The facts in an INFO with all sections, in groups. What the server does not tell is left out. */
export const serverWords = (info: Info): ReadonlyArray<ServerFacts> =>
  groups.map(([about, terms]) => ({
    about,
    facts: terms.flatMap(([term, words]) => {
      const said = words(info)
      return said === undefined ? [] : [[term, said] as const]
    })
  }))
