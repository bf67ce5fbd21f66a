/** Commands about servers, connections, channels, scripts and transactions. */
import type { RowDefinition } from "./CommandRow.ts"
import { adds, counted, from, reads, second } from "./keyPlaces.ts"
import { everywhere, same, sum } from "./merges.ts"
import { integer, list, text } from "./replyShape.ts"
import { noLua, oneDatabase, ofAServer, ofConnections } from "./reasons.ts"

type Rows = Readonly<Record<string, RowDefinition>>

const each = (names: ReadonlyArray<string>, row: RowDefinition): Rows =>
  Object.fromEntries(names.map((name) => [name, row]))

const everyServer = { over: "servers", merge: same } as const

/** It tells something that only a server has to tell. */
const asks: RowDefinition = { memory: ofAServer }
/** It makes a server do something that only a server does. */
const administers: RowDefinition = { changes: true, memory: ofAServer }

const administersAll: RowDefinition = { ...administers, spread: everyServer }

const dataRows: Rows = {
  DBSIZE: { spread: { over: "servers", merge: sum }, reply: integer },
  FLUSHALL: { changes: true, everyKey: true, spread: everyServer, reply: text },
  FLUSHDB: { changes: true, everyKey: true, spread: everyServer, reply: text },
  SWAPDB: { changes: true, everyKey: true, memory: oneDatabase }
}

const ownOnly = {
  own: "it needs a dedicated connection: use `transaction` or `dedicated`",
  memory: ofConnections
} as const

const transactionRows: Rows = {
  DISCARD: { ...ownOnly, leaves: "unpins" },
  // Which keys it changes was said before it.
  EXEC: { ...ownOnly, changes: true, everyKey: true, leaves: "unpins" },
  MULTI: { ...ownOnly, leaves: "pins" },
  UNWATCH: { ...ownOnly, leaves: "unpins" },
  WATCH: { ...ownOnly, keys: [reads(from(0))], leaves: "pins" }
}

const breaksConnection = "it would change the connection itself; use an operation of the client, or a client of its own"
const breaksReplies = "replies would no longer match commands"

const scriptRows: Rows = {
  EVAL: { keys: [adds(counted(1))], memory: noLua },
  EVALSHA: { keys: [adds(counted(1))], memory: noLua },
  EVALSHA_RO: { keys: [reads(counted(1))], memory: noLua },
  EVAL_RO: { keys: [reads(counted(1))], memory: noLua },
  FCALL: { keys: [adds(counted(1))], memory: noLua },
  FCALL_RO: { keys: [reads(counted(1))], memory: noLua },
  FUNCTION: administers,
  ...each(["FUNCTION DUMP", "FUNCTION LIST", "FUNCTION STATS"], asks),
  ...each(["FUNCTION DELETE", "FUNCTION FLUSH", "FUNCTION LOAD", "FUNCTION RESTORE"], administersAll),
  ...each(["FUNCTION KILL", "SCRIPT KILL"], { ...administers, spread: { ...everyServer, oneIsEnough: true } }),
  SCRIPT: administers,
  "SCRIPT EXISTS": { ...asks, spread: { over: "servers", merge: everywhere } },
  "SCRIPT SHOW": asks,
  ...each(["SCRIPT FLUSH", "SCRIPT LOAD"], administersAll),
  "SCRIPT DEBUG": { refused: breaksReplies, memory: noLua }
}

const channelRows: Rows = {
  PUBLISH: { changes: true, channel: "anyServer", reply: integer },
  PUBSUB: {},
  ...each(["PUBSUB CHANNELS", "PUBSUB NUMPAT", "PUBSUB NUMSUB", "PUBSUB SHARDCHANNELS", "PUBSUB SHARDNUMSUB"], {}),
  SPUBLISH: { changes: true, channel: "itsServer" }
}

const connectionRows: Rows = {
  ...each(
    [
      "AUTH",
      "HELLO",
      "MONITOR",
      "PSUBSCRIBE",
      "PSYNC",
      "PUNSUBSCRIBE",
      "QUIT",
      "REPLCONF",
      "RESET",
      "SELECT",
      "SSUBSCRIBE",
      "SUBSCRIBE",
      "SUNSUBSCRIBE",
      "SYNC",
      "UNSUBSCRIBE"
    ],
    { refused: breaksConnection, memory: ofConnections }
  ),
  ...each(
    [
      "ASKING",
      // Of a subcommand that this table does not know.
      "CLIENT",
      "CLIENT CACHING",
      "CLIENT CAPA",
      "CLIENT NO-EVICT",
      "CLIENT NO-TOUCH",
      "CLIENT SETINFO",
      "CLIENT SETNAME",
      "CLIENT TRACKING",
      "READONLY",
      "READWRITE"
    ],
    { own: "it would change the shared connection: use `dedicated`", leaves: "state", memory: ofConnections }
  ),
  "CLIENT REPLY": { refused: breaksReplies, memory: ofConnections },
  ...each(["CLIENT KILL", "CLIENT PAUSE", "CLIENT UNBLOCK", "CLIENT UNPAUSE"], administers),
  ...each(
    ["CLIENT GETNAME", "CLIENT GETREDIR", "CLIENT ID", "CLIENT INFO", "CLIENT LIST", "CLIENT TRACKINGINFO"],
    asks
  ),
  ECHO: {},
  PING: { spread: everyServer, reply: text | list }
}

const adminRows: Rows = {
  ...each(["COMMAND", "COMMAND COUNT", "COMMAND DOCS", "COMMAND GETKEYS", "COMMAND GETKEYSANDFLAGS"], asks),
  ...each(["COMMAND INFO", "COMMAND LIST", "LASTSAVE", "LOLWUT"], asks),
  INFO: { ...asks, reply: text },
  ROLE: { ...asks, reply: list },
  ...each(["BGREWRITEAOF", "BGSAVE", "SAVE", "SHUTDOWN"], administers),
  ...each(["DEBUG", "FAILOVER", "REPLICAOF", "SLAVEOF"], { ...administers, everyKey: true }),
  TIME: {},

  ...each(["ACL", "ACL LOAD"], administers),
  ...each(["ACL DELUSER", "ACL SAVE", "ACL SETUSER"], administersAll),
  ...each(["ACL CAT", "ACL DRYRUN", "ACL GENPASS", "ACL GETUSER", "ACL LIST", "ACL USERS", "ACL WHOAMI"], asks),
  // ACL LOG RESET empties it.
  "ACL LOG": administers,

  CONFIG: administers,
  ...each(["CONFIG RESETSTAT", "CONFIG REWRITE", "CONFIG SET"], administersAll),
  "CONFIG GET": asks,

  LATENCY: administers,
  "LATENCY RESET": { ...administers, spread: { over: "servers", merge: sum } },
  ...each(["LATENCY DOCTOR", "LATENCY GRAPH", "LATENCY HISTOGRAM", "LATENCY HISTORY", "LATENCY LATEST"], asks),

  MEMORY: administers,
  "MEMORY PURGE": administersAll,
  ...each(["MEMORY DOCTOR", "MEMORY MALLOC-STATS", "MEMORY STATS"], asks),
  "MEMORY USAGE": { keys: [reads(second)] },

  ...each(["MODULE", "MODULE LOAD", "MODULE LOADEX", "MODULE UNLOAD"], administers),
  "MODULE LIST": asks,

  SLOWLOG: administers,
  "SLOWLOG GET": asks,
  "SLOWLOG LEN": { ...asks, spread: { over: "servers", merge: sum } },
  "SLOWLOG RESET": administersAll,

  PFDEBUG: { keys: [adds(second)], memory: ofAServer },
  PFSELFTEST: asks,

  WAIT: { blocks: { at: -1, unit: 1 }, memory: ofAServer },
  WAITAOF: { blocks: { at: -1, unit: 1 }, memory: ofAServer }
}

const clusterRows: Rows = {
  ...each(
    [
      "CLUSTER",
      "CLUSTER ADDSLOTS",
      "CLUSTER ADDSLOTSRANGE",
      "CLUSTER BUMPEPOCH",
      "CLUSTER DELSLOTS",
      "CLUSTER DELSLOTSRANGE",
      "CLUSTER FAILOVER",
      "CLUSTER FLUSHSLOTS",
      "CLUSTER FORGET",
      "CLUSTER MEET",
      "CLUSTER REPLICATE",
      "CLUSTER RESET",
      "CLUSTER SAVECONFIG",
      "CLUSTER SET-CONFIG-EPOCH",
      "CLUSTER SETSLOT"
    ],
    administers
  ),
  ...each(
    [
      "CLUSTER COUNT-FAILURE-REPORTS",
      "CLUSTER COUNTKEYSINSLOT",
      "CLUSTER GETKEYSINSLOT",
      "CLUSTER INFO",
      "CLUSTER KEYSLOT",
      "CLUSTER LINKS",
      "CLUSTER MYID",
      "CLUSTER MYSHARDID",
      "CLUSTER NODES",
      "CLUSTER REPLICAS",
      "CLUSTER SHARDS",
      "CLUSTER SLAVES",
      "CLUSTER SLOT-STATS",
      "CLUSTER SLOTS"
    ],
    asks
  )
}

export const serverRows: Rows = {
  ...dataRows,
  ...transactionRows,
  ...scriptRows,
  ...channelRows,
  ...connectionRows,
  ...adminRows,
  ...clusterRows
}
