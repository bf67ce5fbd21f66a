/** Commands about keys and what they hold. */
import { unlessNoField, unlessNoKey, unlessNothing, unlessSetRefused, unlessZAddRefused } from "./changed.ts"
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
import { integer, list, nothing, text } from "./replyShape.ts"
import { ofAServer, oneDatabase } from "./reasons.ts"

/** The last argument, in seconds. */
const secondsAtEnd = { at: -1, unit: 1000 }
const secondsFirst = { at: 0, unit: 1000 }

type Rows = Readonly<Record<string, RowDefinition>>

const stringRows: Rows = {
  APPEND: { keys: [changes(first)], changed: unlessNothing, reply: integer },
  DECR: { keys: [changes(first)], reply: integer },
  DECRBY: { keys: [changes(first)], reply: integer },
  GET: { keys: [reads(first)], reply: text | nothing },
  GETDEL: { keys: [deletes(first)], reply: text | nothing },
  GETEX: { keys: [retimes(first)], changed: unlessNothing, reply: text | nothing },
  GETRANGE: { keys: [reads(first)] },
  GETSET: { keys: [replaces(first)], reply: text | nothing },
  INCR: { keys: [changes(first)], reply: integer },
  INCRBY: { keys: [changes(first)], reply: integer },
  INCRBYFLOAT: { keys: [changes(first)] },
  LCS: { keys: [reads(from(0, 1))] },
  MGET: { keys: [reads(from(0))], spread: { over: "keys", step: 1, merge: inOrder }, reply: list },
  MSET: { keys: [replaces(from(0, -1, 2))], spread: { over: "keys", step: 2, merge: same }, reply: text },
  MSETNX: { keys: [replaces(from(0, -1, 2))], changed: unlessNothing, reply: integer },
  PSETEX: { keys: [replaces(first)], reply: text },
  SET: { keys: [replaces(first)], changed: unlessSetRefused, reply: text | nothing },
  SETEX: { keys: [replaces(first)], reply: text },
  SETNX: { keys: [replaces(first)], changed: unlessNothing, reply: integer },
  SETRANGE: { keys: [changes(first)], reply: integer },
  STRLEN: { keys: [reads(first)], reply: integer },
  SUBSTR: { keys: [reads(first)] }
}

const bitRows: Rows = {
  BITCOUNT: { keys: [reads(first)] },
  BITFIELD: { keys: [adds(first)] },
  BITFIELD_RO: { keys: [reads(first)] },
  BITOP: { keys: [replaces(second), reads(from(2))] },
  BITPOS: { keys: [reads(first)] },
  GETBIT: { keys: [reads(first)], reply: integer },
  SETBIT: { keys: [adds(first)], reply: integer }
}

const keyRows: Rows = {
  COPY: { keys: [reads(first), replaces(second)], changed: unlessNothing, reply: integer },
  DEL: { keys: [deletes(from(0))], spread: { over: "keys", step: 1, merge: sum }, reply: integer },
  DUMP: { keys: [reads(first)], memory: ofAServer },
  EXISTS: { keys: [reads(from(0))], spread: { over: "keys", step: 1, merge: sum }, reply: integer },
  EXPIRE: { keys: [retimes(first)], changed: unlessNothing, reply: integer },
  EXPIREAT: { keys: [retimes(first)], changed: unlessNothing, reply: integer },
  EXPIRETIME: { keys: [reads(first)], reply: integer },
  KEYS: { spread: { over: "servers", merge: union }, reply: list },
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
  PERSIST: { keys: [retimes(first)], changed: unlessNothing, reply: integer },
  PEXPIRE: { keys: [retimes(first)], changed: unlessNothing, reply: integer },
  PEXPIREAT: { keys: [retimes(first)], changed: unlessNothing, reply: integer },
  PEXPIRETIME: { keys: [reads(first)], reply: integer },
  PTTL: { keys: [reads(first)], reply: integer },
  RANDOMKEY: { reply: text | nothing },
  RENAME: { keys: [deletes(first), replaces(second)], reply: text },
  RENAMENX: { keys: [deletes(first), replaces(second)], changed: unlessNothing, reply: integer },
  RESTORE: { keys: [replaces(first)], memory: ofAServer },
  "RESTORE-ASKING": { keys: [replaces(first)], memory: ofAServer },
  SCAN: { cursor: true, reply: list },
  SORT: { keys: [reads(first), replaces(behind("STORE", 1, { LIMIT: 2, GET: 1, BY: 1 }))], memory: "missing" },
  SORT_RO: { keys: [reads(first)], memory: "missing" },
  TOUCH: { keys: [reads(from(0))], atPrimary: true, spread: { over: "keys", step: 1, merge: sum }, reply: integer },
  TTL: { keys: [reads(first)], reply: integer },
  TYPE: { keys: [reads(first)], reply: text },
  UNLINK: { keys: [deletes(from(0))], spread: { over: "keys", step: 1, merge: sum }, reply: integer }
}

const hashRows: Rows = {
  HDEL: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  HEXISTS: { keys: [reads(first)], reply: integer },
  HGET: { keys: [reads(first)], reply: text | nothing },
  HGETALL: { keys: [reads(first)], reply: list },
  HINCRBY: { keys: [adds(first)], reply: integer },
  HINCRBYFLOAT: { keys: [adds(first)] },
  HKEYS: { keys: [reads(first)], reply: list },
  HLEN: { keys: [reads(first)], reply: integer },
  HMGET: { keys: [reads(first)], reply: list },
  HMSET: { keys: [adds(first)], reply: text },
  HRANDFIELD: { keys: [reads(first)] },
  HSCAN: { keys: [reads(first)], cursor: true, reply: list },
  HSET: { keys: [adds(first)], reply: integer },
  HSETNX: { keys: [adds(first)], changed: unlessNothing, reply: integer },
  HSTRLEN: { keys: [reads(first)], reply: integer },
  HVALS: { keys: [reads(first)], reply: list }
}

/** Of Valkey 9. */
const fieldLifetimeRows: Rows = {
  HEXPIRE: { keys: [adds(first)], changed: unlessNoField, since: 9, reply: list },
  HEXPIREAT: { keys: [adds(first)], changed: unlessNoField, since: 9, reply: list },
  HEXPIRETIME: { keys: [reads(first)], since: 9, reply: list },
  HGETDEL: { keys: [removes(first)], changed: unlessNoField, since: 9, reply: list },
  HGETEX: { keys: [adds(first)], changed: unlessNoField, since: 9, reply: list },
  HPERSIST: { keys: [adds(first)], changed: unlessNoField, since: 9, reply: list },
  HPEXPIRE: { keys: [adds(first)], changed: unlessNoField, since: 9, reply: list },
  HPEXPIREAT: { keys: [adds(first)], changed: unlessNoField, since: 9, reply: list },
  HPEXPIRETIME: { keys: [reads(first)], since: 9, reply: list },
  HPTTL: { keys: [reads(first)], since: 9, reply: list },
  HSETEX: { keys: [adds(first)], changed: unlessNothing, since: 9, reply: integer },
  HTTL: { keys: [reads(first)], since: 9, reply: list }
}

const listRows: Rows = {
  BLMOVE: { keys: [pops(first), adds(second)], changed: unlessNothing, blocks: secondsAtEnd },
  BLMPOP: { keys: [pops(counted(1))], changed: unlessNothing, blocks: secondsFirst },
  BLPOP: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd },
  BRPOP: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd },
  BRPOPLPUSH: { keys: [pops(first), adds(second)], changed: unlessNothing, blocks: secondsAtEnd },
  LINDEX: { keys: [reads(first)], reply: text | nothing },
  LINSERT: { keys: [adds(first)], changed: unlessNothing, reply: integer },
  LLEN: { keys: [reads(first)], reply: integer },
  LMOVE: { keys: [pops(first), adds(second)], changed: unlessNothing },
  LMPOP: { keys: [pops(counted(0))], changed: unlessNothing },
  LPOP: { keys: [pops(first)], changed: unlessNothing, reply: text | list | nothing },
  LPOS: { keys: [reads(first)] },
  LPUSH: { keys: [adds(first)], reply: integer },
  LPUSHX: { keys: [adds(first)], changed: unlessNothing, reply: integer },
  LRANGE: { keys: [reads(first)], reply: list },
  LREM: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  LSET: { keys: [adds(first)], reply: text },
  LTRIM: { keys: [removes(first)], reply: text },
  RPOP: { keys: [pops(first)], changed: unlessNothing, reply: text | list | nothing },
  RPOPLPUSH: { keys: [pops(first), adds(second)], changed: unlessNothing },
  RPUSH: { keys: [adds(first)], reply: integer },
  RPUSHX: { keys: [adds(first)], changed: unlessNothing, reply: integer }
}

const setRows: Rows = {
  SADD: { keys: [adds(first)], changed: unlessNothing, reply: integer },
  SCARD: { keys: [reads(first)], reply: integer },
  SDIFF: { keys: [reads(from(0))] },
  SDIFFSTORE: { keys: [replaces(first), reads(from(1))] },
  SINTER: { keys: [reads(from(0))] },
  SINTERCARD: { keys: [reads(counted(0))] },
  SINTERSTORE: { keys: [replaces(first), reads(from(1))] },
  SISMEMBER: { keys: [reads(first)], reply: integer },
  SMEMBERS: { keys: [reads(first)], reply: list },
  SMISMEMBER: { keys: [reads(first)], reply: list },
  SMOVE: { keys: [removes(first), adds(second)], changed: unlessNothing, reply: integer },
  SPOP: { keys: [pops(first)], changed: unlessNothing, reply: text | list | nothing },
  SRANDMEMBER: { keys: [reads(first)], reply: text | list | nothing },
  SREM: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  SSCAN: { keys: [reads(first)], cursor: true, reply: list },
  SUNION: { keys: [reads(from(0))] },
  SUNIONSTORE: { keys: [replaces(first), reads(from(1))] }
}

const sortedSetRows: Rows = {
  BZMPOP: { keys: [pops(counted(1))], changed: unlessNothing, blocks: secondsFirst },
  BZPOPMAX: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd },
  BZPOPMIN: { keys: [pops(from(0, -2))], changed: unlessNothing, blocks: secondsAtEnd },
  ZADD: { keys: [adds(first)], changed: unlessZAddRefused, reply: text | integer | nothing },
  ZCARD: { keys: [reads(first)], reply: integer },
  ZCOUNT: { keys: [reads(first)], reply: integer },
  ZDIFF: { keys: [reads(counted(0))] },
  ZDIFFSTORE: { keys: [replaces(first), reads(counted(1))] },
  ZINCRBY: { keys: [adds(first)] },
  ZINTER: { keys: [reads(counted(0))] },
  ZINTERCARD: { keys: [reads(counted(0))] },
  ZINTERSTORE: { keys: [replaces(first), reads(counted(1))] },
  ZLEXCOUNT: { keys: [reads(first)] },
  ZMPOP: { keys: [pops(counted(0))], changed: unlessNothing },
  ZMSCORE: { keys: [reads(first)], reply: list },
  ZPOPMAX: { keys: [pops(first)], changed: unlessNothing },
  ZPOPMIN: { keys: [pops(first)], changed: unlessNothing },
  ZRANDMEMBER: { keys: [reads(first)] },
  ZRANGE: { keys: [reads(first)], reply: list },
  ZRANGEBYLEX: { keys: [reads(first)] },
  ZRANGEBYSCORE: { keys: [reads(first)], reply: list },
  ZRANGESTORE: { keys: [replaces(first), reads(second)] },
  ZRANK: { keys: [reads(first)] },
  ZREM: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  ZREMRANGEBYLEX: { keys: [removes(first)], changed: unlessNothing },
  ZREMRANGEBYRANK: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  ZREMRANGEBYSCORE: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  ZREVRANGE: { keys: [reads(first)] },
  ZREVRANGEBYLEX: { keys: [reads(first)] },
  ZREVRANGEBYSCORE: { keys: [reads(first)] },
  ZREVRANK: { keys: [reads(first)] },
  ZSCAN: { keys: [reads(first)], cursor: true, reply: list },
  ZSCORE: { keys: [reads(first)], reply: text | nothing },
  ZUNION: { keys: [reads(counted(0))] },
  ZUNIONSTORE: { keys: [replaces(first), reads(counted(1))] }
}

const sketchRows: Rows = {
  PFADD: { keys: [adds(first)], changed: unlessNothing },
  PFCOUNT: { keys: [reads(from(0))] },
  PFMERGE: { keys: [adds(first), reads(from(1))] }
}

const geoRows: Rows = {
  GEOADD: { keys: [adds(first)] },
  GEODIST: { keys: [reads(first)] },
  GEOHASH: { keys: [reads(first)] },
  GEOPOS: { keys: [reads(first)] },
  GEORADIUS: {
    keys: [reads(first), replaces(behind("STORE", 5)), replaces(behind("STOREDIST", 5))]
  },
  GEORADIUSBYMEMBER: {
    keys: [reads(first), replaces(behind("STORE", 4)), replaces(behind("STOREDIST", 4))]
  },
  GEORADIUSBYMEMBER_RO: { keys: [reads(first)] },
  GEORADIUS_RO: { keys: [reads(first)] },
  GEOSEARCH: { keys: [reads(first)] },
  GEOSEARCHSTORE: { keys: [replaces(first), reads(second)] }
}

const streamRows: Rows = {
  XACK: { keys: [removes(first)], changed: unlessNothing, reply: integer },
  XADD: { keys: [adds(first)], changed: unlessNothing, reply: text | nothing },
  XAUTOCLAIM: { keys: [adds(first)] },
  XCLAIM: { keys: [adds(first)], changed: unlessNothing },
  XDEL: { keys: [removes(first)], changed: unlessNothing, reply: integer },
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
  XLEN: { keys: [reads(first)], reply: integer },
  XPENDING: { keys: [reads(first)] },
  // With a COUNT of 0 or less the reply is null.
  XRANGE: { keys: [reads(first)], reply: list | nothing },
  XREAD: { keys: [reads(streams(0))], blocks: { keyword: "BLOCK" } },
  XREADGROUP: { keys: [adds(streams(3))], changed: unlessNothing, blocks: { keyword: "BLOCK" } },
  XREVRANGE: { keys: [reads(first)], reply: list | nothing },
  XSETID: { keys: [adds(first)] },
  XTRIM: { keys: [removes(first)], changed: unlessNothing, reply: integer }
}

export const valueRows: Rows = {
  ...stringRows,
  ...bitRows,
  ...keyRows,
  ...hashRows,
  ...fieldLifetimeRows,
  ...listRows,
  ...setRows,
  ...sortedSetRows,
  ...sketchRows,
  ...geoRows,
  ...streamRows
}
