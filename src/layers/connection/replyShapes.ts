/**
 * What kinds of reply a command can have. One of another kind belongs to another command: whoever reads on would give
 * each caller the reply of its neighbour. Commands that are not listed may be answered with anything.
 */
import { type RawReply, ReplyError } from "./RawReply.ts"

const text = 1
const integer = 2
const list = 4
const nothing = 8

/** Kinds, added up. */
export type ReplyShape = number

export const anyShape: ReplyShape = text | integer | list | nothing

const groups: ReadonlyArray<readonly [ReplyShape, string]> = [
  [text, "FLUSHALL FLUSHDB HMSET INFO LSET LTRIM MSET PSETEX RENAME SETEX TYPE"],
  [text | list, "PING"],
  [text | nothing, "GET GETDEL GETEX GETSET HGET LINDEX RANDOMKEY SET XADD ZSCORE"],
  [
    integer,
    `APPEND COPY DBSIZE DECR DECRBY DEL EXISTS EXPIRE EXPIREAT EXPIRETIME GETBIT HDEL HEXISTS HINCRBY HLEN HSET HSETNX
     HSTRLEN INCR INCRBY LINSERT LLEN LPUSH LPUSHX LREM MSETNX PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PTTL PUBLISH RENAMENX
     RPUSH RPUSHX SADD SCARD SETBIT SETNX SETRANGE SISMEMBER SMOVE SREM STRLEN TOUCH TTL UNLINK XACK XDEL XLEN XTRIM ZCARD
     ZCOUNT ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE`
  ],
  [text | integer | nothing, "ZADD"],
  [
    list,
    `HGETALL HKEYS HMGET HSCAN HVALS KEYS LRANGE MGET ROLE SCAN SMEMBERS SMISMEMBER SSCAN ZMSCORE ZRANGE ZRANGEBYSCORE
     ZSCAN`
  ],
  // With a COUNT of 0 or less the reply is null.
  [list | nothing, "XRANGE XREVRANGE"],
  [text | list | nothing, "LPOP RPOP SPOP SRANDMEMBER"]
]

const shapes: ReadonlyMap<string, ReplyShape> = new Map(
  groups.flatMap(([shape, names]) => names.split(/\s+/).map((name): [string, ReplyShape] => [name, shape]))
)

export const shapeOf = (name: string): ReplyShape => shapes.get(name.toUpperCase()) ?? anyShape

/** Errors fit everything. So does QUEUED, which any command is answered with between MULTI and EXEC. */
export const fits = (shape: ReplyShape, reply: RawReply): boolean =>
  (shape & kindOf(reply)) !== 0 || reply instanceof ReplyError || isQueued(reply)

const kindOf = (reply: RawReply): ReplyShape => {
  if (typeof reply === "string") return text
  if (reply === null) return nothing
  if (typeof reply === "number" || typeof reply === "bigint") return integer
  return Buffer.isBuffer(reply) ? text : Array.isArray(reply) ? list : 0
}

const isQueued = (reply: RawReply): boolean =>
  (typeof reply === "string" || Buffer.isBuffer(reply)) && reply.toString() === "QUEUED"
