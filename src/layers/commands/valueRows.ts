/** Commands about keys and what they hold. */
import { unlessNoKey, unlessNothing, unlessSetRefused, unlessZAddRefused } from "./changed.ts"
import type { RowDefinition } from "./CommandRow.ts"
import {
  adds,
  allBehind,
  at,
  behind,
  changes,
  counted,
  deletes,
  first,
  from,
  optional,
  pops,
  reads,
  removes,
  replaces,
  retimes,
  second,
  streams
} from "./keyPlaces.ts"
import { inOrder, same, sum, union } from "./merges.ts"
import { ofAServer, oneDatabase } from "./reasons.ts"

/** The last argument, in seconds. */
const secondsAtEnd = { at: -1, unit: 1000 }
const secondsFirst = { at: 0, unit: 1000 }

type Rows = Readonly<Record<string, RowDefinition>>

const stringRows: Rows = {
  APPEND: { keys: [changes(first)], changed: unlessNothing },
  DECR: { keys: [changes(first)] },
  DECRBY: { keys: [changes(first)] },
  GET: { keys: [reads(first)] },
  GETDEL: { keys: [deletes(first)] },
  GETEX: { keys: [retimes(first)], changed: unlessNothing },
  GETRANGE: { keys: [reads(first)] },
  GETSET: { keys: [replaces(first)] },
  INCR: { keys: [changes(first)] },
  INCRBY: { keys: [changes(first)] },
  INCRBYFLOAT: { keys: [changes(first)] },
  LCS: { keys: [reads(from(0, 1))], memory: "missing" },
  MGET: { keys: [reads(from(0))], spread: { over: "keys", step: 1, merge: inOrder } },
  MSET: { keys: [replaces(from(0, -1, 2))], spread: { over: "keys", step: 2, merge: same } },
  MSETNX: { keys: [replaces(from(0, -1, 2))], changed: unlessNothing },
  PSETEX: { keys: [replaces(first)] },
  SET: { keys: [replaces(first)], changed: unlessSetRefused },
  SETEX: { keys: [replaces(first)] },
  SETNX: { keys: [replaces(first)], changed: unlessNothing },
  SETRANGE: { keys: [changes(first)] },
  STRLEN: { keys: [reads(first)] },
  SUBSTR: { keys: [reads(first)] }
}

const bitRows: Rows = {
  BITCOUNT: { keys: [reads(first)], memory: "missing" },
  BITFIELD: { keys: [adds(first)], memory: "missing" },
  BITFIELD_RO: { keys: [reads(first)], memory: "missing" },
  BITOP: { keys: [replaces(second), reads(from(2))], memory: "missing" },
  BITPOS: { keys: [reads(first)], memory: "missing" },
  GETBIT: { keys: [reads(first)], memory: "missing" },
  SETBIT: { keys: [adds(first)], memory: "missing" }
}

const keyRows: Rows = {
  COPY: { keys: [reads(first), replaces(second)], changed: unlessNothing },
  DEL: { keys: [deletes(from(0))], spread: { over: "keys", step: 1, merge: sum } },
  DUMP: { keys: [reads(first)], memory: ofAServer },
  EXISTS: { keys: [reads(from(0))], spread: { over: "keys", step: 1, merge: sum } },
  EXPIRE: { keys: [retimes(first)], changed: unlessNothing },
  EXPIREAT: { keys: [retimes(first)], changed: unlessNothing },
  EXPIRETIME: { keys: [reads(first)] },
  KEYS: { spread: { over: "servers", merge: union } },
  MIGRATE: {
    keys: [optional(deletes(at(2))), deletes(allBehind("KEYS", 5, { AUTH: 1, AUTH2: 2 }))],
    changed: unlessNoKey,
    memory: ofAServer
  },
  MOVE: { keys: [deletes(first)], changed: unlessNothing, memory: oneDatabase },
  OBJECT: { memory: ofAServer },
  "OBJECT ENCODING": { keys: [reads(second)], memory: ofAServer },
  "OBJECT FREQ": { keys: [reads(second)], atPrimary: true, memory: ofAServer },
  "OBJECT IDLETIME": { keys: [reads(second)], atPrimary: true, memory: ofAServer },
  "OBJECT REFCOUNT": { keys: [reads(second)], memory: ofAServer },
  PERSIST: { keys: [retimes(first)], changed: unlessNothing },
  PEXPIRE: { keys: [retimes(first)], changed: unlessNothing },
  PEXPIREAT: { keys: [retimes(first)], changed: unlessNothing },
  PEXPIRETIME: { keys: [reads(first)] },
  PTTL: { keys: [reads(first)] },
  RANDOMKEY: { memory: "missing" },
  RENAME: { keys: [deletes(first), replaces(second)] },
  RENAMENX: { keys: [deletes(first), replaces(second)], changed: unlessNothing },
  RESTORE: { keys: [replaces(first)], memory: ofAServer },
  "RESTORE-ASKING": { keys: [replaces(first)], memory: ofAServer },
  SCAN: { cursor: true },
  SORT: { keys: [reads(first), replaces(behind("STORE", 1, { LIMIT: 2, GET: 1, BY: 1 }))], memory: "missing" },
  SORT_RO: { keys: [reads(first)], memory: "missing" },
  TOUCH: { keys: [reads(from(0))], atPrimary: true, spread: { over: "keys", step: 1, merge: sum } },
  TTL: { keys: [reads(first)] },
  TYPE: { keys: [reads(first)] },
  UNLINK: { keys: [deletes(from(0))], spread: { over: "keys", step: 1, merge: sum } }
}

const hashRows: Rows = {
  HDEL: { keys: [removes(first)], changed: unlessNothing },
  HEXISTS: { keys: [reads(first)] },
  HGET: { keys: [reads(first)] },
  HGETALL: { keys: [reads(first)] },
  HINCRBY: { keys: [adds(first)] },
  HINCRBYFLOAT: { keys: [adds(first)] },
  HKEYS: { keys: [reads(first)] },
  HLEN: { keys: [reads(first)] },
  HMGET: { keys: [reads(first)] },
  HMSET: { keys: [adds(first)] },
  HRANDFIELD: { keys: [reads(first)], memory: "missing" },
  HSCAN: { keys: [reads(first)], cursor: true },
  HSET: { keys: [adds(first)] },
  HSETNX: { keys: [adds(first)], changed: unlessNothing },
  HSTRLEN: { keys: [reads(first)] },
  HVALS: { keys: [reads(first)] }
}

const listRows: Rows = {
  BLMOVE: { keys: [pops(first), adds(second)], changed: unlessNothing, blocks: secondsAtEnd },
  BLMPOP: { keys: [pops(counted(1))], changed: unlessNothing, blocks: secondsFirst, memory: "missing" },
  BLPOP: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd },
  BRPOP: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd },
  BRPOPLPUSH: { keys: [pops(first), adds(second)], changed: unlessNothing, blocks: secondsAtEnd, memory: "missing" },
  LINDEX: { keys: [reads(first)] },
  LINSERT: { keys: [adds(first)], changed: unlessNothing },
  LLEN: { keys: [reads(first)] },
  LMOVE: { keys: [pops(first), adds(second)], changed: unlessNothing },
  LMPOP: { keys: [pops(counted(0))], changed: unlessNothing, memory: "missing" },
  LPOP: { keys: [pops(first)], changed: unlessNothing },
  LPOS: { keys: [reads(first)] },
  LPUSH: { keys: [adds(first)] },
  LPUSHX: { keys: [adds(first)], changed: unlessNothing },
  LRANGE: { keys: [reads(first)] },
  LREM: { keys: [removes(first)], changed: unlessNothing },
  LSET: { keys: [adds(first)] },
  LTRIM: { keys: [removes(first)] },
  RPOP: { keys: [pops(first)], changed: unlessNothing },
  RPOPLPUSH: { keys: [pops(first), adds(second)], changed: unlessNothing, memory: "missing" },
  RPUSH: { keys: [adds(first)] },
  RPUSHX: { keys: [adds(first)], changed: unlessNothing }
}

const setRows: Rows = {
  SADD: { keys: [adds(first)], changed: unlessNothing },
  SCARD: { keys: [reads(first)] },
  SDIFF: { keys: [reads(from(0))] },
  SDIFFSTORE: { keys: [replaces(first), reads(from(1))] },
  SINTER: { keys: [reads(from(0))] },
  SINTERCARD: { keys: [reads(counted(0))], memory: "missing" },
  SINTERSTORE: { keys: [replaces(first), reads(from(1))] },
  SISMEMBER: { keys: [reads(first)] },
  SMEMBERS: { keys: [reads(first)] },
  SMISMEMBER: { keys: [reads(first)] },
  SMOVE: { keys: [removes(first), adds(second)], changed: unlessNothing },
  SPOP: { keys: [pops(first)], changed: unlessNothing },
  SRANDMEMBER: { keys: [reads(first)] },
  SREM: { keys: [removes(first)], changed: unlessNothing },
  SSCAN: { keys: [reads(first)], cursor: true },
  SUNION: { keys: [reads(from(0))] },
  SUNIONSTORE: { keys: [replaces(first), reads(from(1))] }
}

const sortedSetRows: Rows = {
  BZMPOP: { keys: [pops(counted(1))], changed: unlessNothing, blocks: secondsFirst, memory: "missing" },
  BZPOPMAX: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd, memory: "missing" },
  BZPOPMIN: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd, memory: "missing" },
  ZADD: { keys: [adds(first)], changed: unlessZAddRefused },
  ZCARD: { keys: [reads(first)] },
  ZCOUNT: { keys: [reads(first)] },
  ZDIFF: { keys: [reads(counted(0))], memory: "missing" },
  ZDIFFSTORE: { keys: [replaces(first), reads(counted(1))], memory: "missing" },
  ZINCRBY: { keys: [adds(first)] },
  ZINTER: { keys: [reads(counted(0))], memory: "missing" },
  ZINTERCARD: { keys: [reads(counted(0))], memory: "missing" },
  ZINTERSTORE: { keys: [replaces(first), reads(counted(1))], memory: "missing" },
  ZLEXCOUNT: { keys: [reads(first)], memory: "missing" },
  ZMPOP: { keys: [pops(counted(0))], changed: unlessNothing, memory: "missing" },
  ZMSCORE: { keys: [reads(first)] },
  ZPOPMAX: { keys: [pops(first)], changed: unlessNothing },
  ZPOPMIN: { keys: [pops(first)], changed: unlessNothing },
  ZRANDMEMBER: { keys: [reads(first)], memory: "missing" },
  ZRANGE: { keys: [reads(first)] },
  ZRANGEBYLEX: { keys: [reads(first)], memory: "missing" },
  ZRANGEBYSCORE: { keys: [reads(first)], memory: "missing" },
  ZRANGESTORE: { keys: [replaces(first), reads(second)], memory: "missing" },
  ZRANK: { keys: [reads(first)] },
  ZREM: { keys: [removes(first)], changed: unlessNothing },
  ZREMRANGEBYLEX: { keys: [removes(first)], changed: unlessNothing, memory: "missing" },
  ZREMRANGEBYRANK: { keys: [removes(first)], changed: unlessNothing },
  ZREMRANGEBYSCORE: { keys: [removes(first)], changed: unlessNothing },
  ZREVRANGE: { keys: [reads(first)], memory: "missing" },
  ZREVRANGEBYLEX: { keys: [reads(first)], memory: "missing" },
  ZREVRANGEBYSCORE: { keys: [reads(first)], memory: "missing" },
  ZREVRANK: { keys: [reads(first)] },
  ZSCAN: { keys: [reads(first)], cursor: true },
  ZSCORE: { keys: [reads(first)] },
  ZUNION: { keys: [reads(counted(0))], memory: "missing" },
  ZUNIONSTORE: { keys: [replaces(first), reads(counted(1))], memory: "missing" }
}

const sketchRows: Rows = {
  PFADD: { keys: [adds(first)], changed: unlessNothing, memory: "missing" },
  PFCOUNT: { keys: [reads(from(0))], memory: "missing" },
  PFMERGE: { keys: [adds(first), reads(from(1))], memory: "missing" }
}

const geoRows: Rows = {
  GEOADD: { keys: [adds(first)], memory: "missing" },
  GEODIST: { keys: [reads(first)], memory: "missing" },
  GEOHASH: { keys: [reads(first)], memory: "missing" },
  GEOPOS: { keys: [reads(first)], memory: "missing" },
  GEORADIUS: {
    keys: [reads(first), replaces(behind("STORE", 5)), replaces(behind("STOREDIST", 5))],
    memory: "missing"
  },
  GEORADIUSBYMEMBER: {
    keys: [reads(first), replaces(behind("STORE", 4)), replaces(behind("STOREDIST", 4))],
    memory: "missing"
  },
  GEORADIUSBYMEMBER_RO: { keys: [reads(first)], memory: "missing" },
  GEORADIUS_RO: { keys: [reads(first)], memory: "missing" },
  GEOSEARCH: { keys: [reads(first)], memory: "missing" },
  GEOSEARCHSTORE: { keys: [replaces(first), reads(second)], memory: "missing" }
}

const streamRows: Rows = {
  XACK: { keys: [removes(first)], changed: unlessNothing },
  XADD: { keys: [adds(first)], changed: unlessNothing },
  XAUTOCLAIM: { keys: [adds(first)] },
  XCLAIM: { keys: [adds(first)], changed: unlessNothing },
  XDEL: { keys: [removes(first)], changed: unlessNothing },
  XGROUP: { changes: true },
  "XGROUP CREATE": { keys: [adds(second)] },
  "XGROUP CREATECONSUMER": { keys: [adds(second)], changed: unlessNothing },
  "XGROUP DELCONSUMER": { keys: [removes(second)] },
  "XGROUP DESTROY": { keys: [removes(second)], changed: unlessNothing },
  "XGROUP SETID": { keys: [adds(second)] },
  XINFO: {},
  "XINFO CONSUMERS": { keys: [reads(second)] },
  "XINFO GROUPS": { keys: [reads(second)] },
  "XINFO STREAM": { keys: [reads(second)] },
  XLEN: { keys: [reads(first)] },
  XPENDING: { keys: [reads(first)] },
  XRANGE: { keys: [reads(first)] },
  XREAD: { keys: [reads(streams(0))], blocks: { keyword: "BLOCK" } },
  XREADGROUP: { keys: [adds(streams(3))], changed: unlessNothing, blocks: { keyword: "BLOCK" } },
  XREVRANGE: { keys: [reads(first)] },
  XSETID: { keys: [adds(first)], memory: "missing" },
  XTRIM: { keys: [removes(first)], changed: unlessNothing }
}

export const valueRows: Rows = {
  ...stringRows,
  ...bitRows,
  ...keyRows,
  ...hashRows,
  ...listRows,
  ...setRows,
  ...sortedSetRows,
  ...sketchRows,
  ...geoRows,
  ...streamRows
}
