/** Commands about keys and what they hold. */
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
  APPEND: { keys: [changes(first)] },
  DECR: { keys: [changes(first)] },
  DECRBY: { keys: [changes(first)] },
  GET: { keys: [reads(first)] },
  GETDEL: { keys: [deletes(first)] },
  GETEX: { keys: [retimes(first)] },
  GETRANGE: { keys: [reads(first)] },
  GETSET: { keys: [replaces(first)] },
  INCR: { keys: [changes(first)] },
  INCRBY: { keys: [changes(first)] },
  INCRBYFLOAT: { keys: [changes(first)] },
  LCS: { keys: [reads(from(0, 1))], memory: "missing" },
  MGET: { keys: [reads(from(0))], spread: { over: "keys", step: 1, merge: inOrder } },
  MSET: { keys: [replaces(from(0, -1, 2))], spread: { over: "keys", step: 2, merge: same } },
  MSETNX: { keys: [replaces(from(0, -1, 2))] },
  PSETEX: { keys: [replaces(first)] },
  SET: { keys: [replaces(first)] },
  SETEX: { keys: [replaces(first)] },
  SETNX: { keys: [replaces(first)] },
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
  COPY: { keys: [reads(first), replaces(second)] },
  DEL: { keys: [deletes(from(0))], spread: { over: "keys", step: 1, merge: sum } },
  DUMP: { keys: [reads(first)], memory: ofAServer },
  EXISTS: { keys: [reads(from(0))], spread: { over: "keys", step: 1, merge: sum } },
  EXPIRE: { keys: [retimes(first)] },
  EXPIREAT: { keys: [retimes(first)] },
  EXPIRETIME: { keys: [reads(first)] },
  KEYS: { spread: { over: "servers", merge: union } },
  MIGRATE: {
    keys: [optional(deletes(at(2))), deletes(allBehind("KEYS", 5, { AUTH: 1, AUTH2: 2 }))],
    memory: ofAServer
  },
  MOVE: { keys: [deletes(first)], memory: oneDatabase },
  OBJECT: { memory: ofAServer },
  "OBJECT ENCODING": { keys: [reads(second)], memory: ofAServer },
  "OBJECT FREQ": { keys: [reads(second)], atPrimary: true, memory: ofAServer },
  "OBJECT IDLETIME": { keys: [reads(second)], atPrimary: true, memory: ofAServer },
  "OBJECT REFCOUNT": { keys: [reads(second)], memory: ofAServer },
  PERSIST: { keys: [retimes(first)] },
  PEXPIRE: { keys: [retimes(first)] },
  PEXPIREAT: { keys: [retimes(first)] },
  PEXPIRETIME: { keys: [reads(first)] },
  PTTL: { keys: [reads(first)] },
  RANDOMKEY: { memory: "missing" },
  RENAME: { keys: [deletes(first), replaces(second)] },
  RENAMENX: { keys: [deletes(first), replaces(second)] },
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
  HDEL: { keys: [removes(first)] },
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
  HSETNX: { keys: [adds(first)] },
  HSTRLEN: { keys: [reads(first)] },
  HVALS: { keys: [reads(first)] }
}

const listRows: Rows = {
  BLMOVE: { keys: [pops(first), adds(second)], blocks: secondsAtEnd },
  BLMPOP: { keys: [pops(counted(1))], blocks: secondsFirst, memory: "missing" },
  BLPOP: { keys: [pops(from(0, -2))], blocks: secondsAtEnd },
  BRPOP: { keys: [pops(from(0, -2))], blocks: secondsAtEnd },
  BRPOPLPUSH: { keys: [pops(first), adds(second)], blocks: secondsAtEnd, memory: "missing" },
  LINDEX: { keys: [reads(first)] },
  LINSERT: { keys: [adds(first)] },
  LLEN: { keys: [reads(first)] },
  LMOVE: { keys: [pops(first), adds(second)] },
  LMPOP: { keys: [pops(counted(0))], memory: "missing" },
  LPOP: { keys: [pops(first)] },
  LPOS: { keys: [reads(first)] },
  LPUSH: { keys: [adds(first)] },
  LPUSHX: { keys: [adds(first)] },
  LRANGE: { keys: [reads(first)] },
  LREM: { keys: [removes(first)] },
  LSET: { keys: [adds(first)] },
  LTRIM: { keys: [removes(first)] },
  RPOP: { keys: [pops(first)] },
  RPOPLPUSH: { keys: [pops(first), adds(second)], memory: "missing" },
  RPUSH: { keys: [adds(first)] },
  RPUSHX: { keys: [adds(first)] }
}

const setRows: Rows = {
  SADD: { keys: [adds(first)] },
  SCARD: { keys: [reads(first)] },
  SDIFF: { keys: [reads(from(0))] },
  SDIFFSTORE: { keys: [replaces(first), reads(from(1))] },
  SINTER: { keys: [reads(from(0))] },
  SINTERCARD: { keys: [reads(counted(0))], memory: "missing" },
  SINTERSTORE: { keys: [replaces(first), reads(from(1))] },
  SISMEMBER: { keys: [reads(first)] },
  SMEMBERS: { keys: [reads(first)] },
  SMISMEMBER: { keys: [reads(first)] },
  SMOVE: { keys: [removes(first), adds(second)] },
  SPOP: { keys: [pops(first)] },
  SRANDMEMBER: { keys: [reads(first)] },
  SREM: { keys: [removes(first)] },
  SSCAN: { keys: [reads(first)], cursor: true },
  SUNION: { keys: [reads(from(0))] },
  SUNIONSTORE: { keys: [replaces(first), reads(from(1))] }
}

const sortedSetRows: Rows = {
  BZMPOP: { keys: [pops(counted(1))], blocks: secondsFirst, memory: "missing" },
  BZPOPMAX: { keys: [pops(from(0, -2))], blocks: secondsAtEnd, memory: "missing" },
  BZPOPMIN: { keys: [pops(from(0, -2))], blocks: secondsAtEnd, memory: "missing" },
  ZADD: { keys: [adds(first)] },
  ZCARD: { keys: [reads(first)] },
  ZCOUNT: { keys: [reads(first)] },
  ZDIFF: { keys: [reads(counted(0))], memory: "missing" },
  ZDIFFSTORE: { keys: [replaces(first), reads(counted(1))], memory: "missing" },
  ZINCRBY: { keys: [adds(first)] },
  ZINTER: { keys: [reads(counted(0))], memory: "missing" },
  ZINTERCARD: { keys: [reads(counted(0))], memory: "missing" },
  ZINTERSTORE: { keys: [replaces(first), reads(counted(1))], memory: "missing" },
  ZLEXCOUNT: { keys: [reads(first)], memory: "missing" },
  ZMPOP: { keys: [pops(counted(0))], memory: "missing" },
  ZMSCORE: { keys: [reads(first)] },
  ZPOPMAX: { keys: [pops(first)] },
  ZPOPMIN: { keys: [pops(first)] },
  ZRANDMEMBER: { keys: [reads(first)], memory: "missing" },
  ZRANGE: { keys: [reads(first)] },
  ZRANGEBYLEX: { keys: [reads(first)], memory: "missing" },
  ZRANGEBYSCORE: { keys: [reads(first)], memory: "missing" },
  ZRANGESTORE: { keys: [replaces(first), reads(second)], memory: "missing" },
  ZRANK: { keys: [reads(first)] },
  ZREM: { keys: [removes(first)] },
  ZREMRANGEBYLEX: { keys: [removes(first)], memory: "missing" },
  ZREMRANGEBYRANK: { keys: [removes(first)] },
  ZREMRANGEBYSCORE: { keys: [removes(first)] },
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
  PFADD: { keys: [adds(first)], memory: "missing" },
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
  XACK: { keys: [removes(first)] },
  XADD: { keys: [adds(first)] },
  XAUTOCLAIM: { keys: [adds(first)] },
  XCLAIM: { keys: [adds(first)] },
  XDEL: { keys: [removes(first)] },
  XGROUP: { changes: true },
  "XGROUP CREATE": { keys: [adds(second)] },
  "XGROUP CREATECONSUMER": { keys: [adds(second)] },
  "XGROUP DELCONSUMER": { keys: [removes(second)] },
  "XGROUP DESTROY": { keys: [removes(second)] },
  "XGROUP SETID": { keys: [adds(second)] },
  XINFO: {},
  "XINFO CONSUMERS": { keys: [reads(second)] },
  "XINFO GROUPS": { keys: [reads(second)] },
  "XINFO STREAM": { keys: [reads(second)] },
  XLEN: { keys: [reads(first)] },
  XPENDING: { keys: [reads(first)] },
  XRANGE: { keys: [reads(first)] },
  XREAD: { keys: [reads(streams(0))], blocks: { keyword: "BLOCK" } },
  XREADGROUP: { keys: [adds(streams(3))], blocks: { keyword: "BLOCK" } },
  XREVRANGE: { keys: [reads(first)] },
  XSETID: { keys: [adds(first)], memory: "missing" },
  XTRIM: { keys: [removes(first)] }
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
