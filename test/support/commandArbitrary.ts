/** Generated command sequences, for the comparison of the memory store with a server. */
import { Arbitrary, Schema } from "effect"
import type { Command } from "effect-vcache"

const score = Schema.Literals([
  "0",
  "1",
  "2.5",
  "-1",
  "1e3",
  "0.1",
  "inf",
  "-inf",
  "1e21",
  "1e-7",
  "123456789.123",
  "abc",
  "",
  "nan"
])
const bound = Schema.Literals(["-inf", "+inf", "0", "(1", "2.5", "(2.5", "-1", "abc", "(", "1e3"])
const zaddOption = Schema.Literals(["NX", "XX", "GT", "LT", "CH", "INCR", "ch"])
const member = Schema.Literals(["a", "b", "c", "ключ", "", "1", "2"])
const field = Schema.Literals(["f1", "f2", "поле", "", "10"])
const key = Schema.Literals(["k1", "k2", "k3", "ключ", ""])
const value = Schema.Literals([
  "",
  "abc",
  "Iñt ☃ 𝕏",
  "0",
  "10",
  "-5",
  "05",
  "+5",
  " 5",
  "5 ",
  "3.5",
  "-0.25",
  "1e3",
  "0x10",
  "nan",
  "inf",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "9007199254740993",
  "1000.1",
  "0.1"
])
const integer = Schema.Literals([
  "0",
  "1",
  "-1",
  "2",
  "-3",
  "7",
  "100",
  "1.5",
  "abc",
  "",
  "9223372036854775807",
  "-9223372036854775808",
  "99999999999999999999"
])
const float = Schema.Literals([
  "0.1",
  "0.2",
  "-1.5",
  "3",
  "1e2",
  "1e-3",
  "100.7",
  "12345678.9",
  "abc",
  "inf",
  "-inf",
  "nan",
  ""
])
/** Long enough that a slow run does not see the end, or in the past, or no time at all. */
const seconds = Schema.Literals([
  "1000",
  "5000",
  "99999999",
  "0",
  "-1",
  "abc",
  "9223372036854775807",
  "9223372036854775"
])
const millis = Schema.Literals(["1000000", "99999999999", "0", "-1", "1.5", "9223372036854775807"])
const instantSeconds = Schema.Literals(["4000000000", "5000000000", "1", "0", "-1", "9223372036854775807"])
const instantMillis = Schema.Literals(["4000000000000", "5000000000000", "1", "0", "-1", "9223372036854775807"])
const index = Schema.Literals([
  "0",
  "1",
  "2",
  "5",
  "-1",
  "-2",
  "-100",
  "100",
  "abc",
  "-9223372036854775808",
  "9223372036854775807"
])
const offset = Schema.Literals(["0", "1", "3", "20", "-1", "abc", "600000000"])
const pattern = Schema.Literals([
  "*",
  "k*",
  "k?",
  "k[12]",
  "k[^1]",
  "k[1-2]",
  "[k",
  "\\k1",
  "?????",
  "*1",
  "k[]1]",
  "**",
  ""
])
const condition = Schema.Literals(["NX", "XX", "GT", "LT", "nx", "WRONG"])

const words = (...schemas: ReadonlyArray<Schema.Schema<string>>) => Schema.Tuple(schemas)
const literal = (...texts: ReadonlyArray<string>) => Schema.Literals(texts)
const one = (name: string, ...args: ReadonlyArray<Schema.Schema<string>>) => words(literal(name), ...args)

const setTail = Schema.Union([
  words(),
  words(literal("NX", "XX", "GET", "KEEPTTL", "WRONG", "nx", "get")),
  words(literal("EX"), seconds),
  words(literal("PX", "px"), millis),
  words(literal("EXAT"), instantSeconds),
  words(literal("PXAT"), instantMillis)
])
const combine = (
  head: Schema.Schema<ReadonlyArray<string>>,
  ...tails: ReadonlyArray<Schema.Schema<ReadonlyArray<string>>>
) => Arbitrary.map(Arbitrary.all([head, ...tails].map((schema) => Arbitrary.schema(schema))), (parts) => parts.flat())

const families = {
  strings: [
    Arbitrary.schema(one("SET", key, value)),
    combine(one("SET", key, value), setTail, setTail),
    combine(one("SET", key, value), setTail, setTail, setTail),
    Arbitrary.schema(one("GET", key)),
    Arbitrary.schema(one("SETNX", key, value)),
    Arbitrary.schema(one("SETEX", key, seconds, value)),
    Arbitrary.schema(one("PSETEX", key, millis, value)),
    Arbitrary.schema(one("GETSET", key, value)),
    Arbitrary.schema(one("GETDEL", key)),
    combine(one("GETEX", key), Schema.Union([setTail, words(literal("PERSIST"))])),
    Arbitrary.schema(one("MGET", key, key, key)),
    Arbitrary.schema(one("MSET", key, value, key, value)),
    Arbitrary.schema(one("MSET", key, value, key)),
    Arbitrary.schema(one("MSETNX", key, value, key, value)),
    Arbitrary.schema(one("APPEND", key, value)),
    Arbitrary.schema(one("STRLEN", key)),
    Arbitrary.schema(one("SETRANGE", key, offset, value)),
    Arbitrary.schema(one("GETRANGE", key, index, index)),
    Arbitrary.schema(one("SUBSTR", key, index, index))
  ],
  counters: [
    Arbitrary.schema(Schema.Union([one("INCR", key), one("DECR", key)])),
    Arbitrary.schema(Schema.Union([one("INCRBY", key, integer), one("DECRBY", key, integer)])),
    Arbitrary.schema(one("INCRBYFLOAT", key, float))
  ],
  keys: [
    Arbitrary.schema(Schema.Union([one("DEL", key), one("UNLINK", key, key)])),
    Arbitrary.schema(Schema.Union([one("EXISTS", key, key), one("TOUCH", key, key)])),
    Arbitrary.schema(one("TYPE", key)),
    Arbitrary.schema(Schema.Union([one("RENAME", key, key), one("RENAMENX", key, key)])),
    Arbitrary.schema(
      Schema.Union([one("COPY", key, key), one("COPY", key, key, literal("REPLACE", "replace", "WRONG"))])
    ),
    Arbitrary.schema(one("KEYS", pattern)),
    Arbitrary.schema(
      one(
        "SCAN",
        literal("0", "abc", "-1", ""),
        literal("MATCH"),
        pattern,
        literal("COUNT"),
        literal("1000", "0", "abc")
      )
    ),
    Arbitrary.schema(
      one(
        "SCAN",
        literal("0"),
        literal("COUNT"),
        literal("1000"),
        literal("TYPE"),
        literal("string", "hash", "set", "zset", "list", "STRING")
      )
    ),
    Arbitrary.schema(Schema.Union([one("DBSIZE"), one("PING"), one("PING", value), one("ECHO", value)])),
    Arbitrary.schema(
      Schema.Union([
        one("FLUSHDB", literal("SYNC", "ASYNC", "WRONG")),
        one("GET"),
        one("SET", key),
        one("TTL", key, key)
      ])
    )
  ],
  hashes: [
    Arbitrary.schema(one("HSET", key, field, value)),
    Arbitrary.schema(one("HSET", key, field, value, field, value)),
    Arbitrary.schema(Schema.Union([one("HSET", key, field, value, field), one("HMSET", key, field, value)])),
    Arbitrary.schema(one("HSETNX", key, field, value)),
    Arbitrary.schema(Schema.Union([one("HGET", key, field), one("HMGET", key, field, field)])),
    Arbitrary.schema(Schema.Union([one("HGETALL", key), one("HKEYS", key), one("HVALS", key), one("HLEN", key)])),
    Arbitrary.schema(Schema.Union([one("HEXISTS", key, field), one("HSTRLEN", key, field)])),
    Arbitrary.schema(Schema.Union([one("HDEL", key, field), one("HDEL", key, field, field)])),
    Arbitrary.schema(one("HINCRBY", key, field, integer)),
    Arbitrary.schema(one("HINCRBYFLOAT", key, field, float)),
    combine(
      one("HSCAN", key, literal("0", "abc")),
      Schema.Union([words(), words(literal("MATCH"), pattern), words(literal("COUNT"), literal("10", "0", "abc"))]),
      Schema.Union([words(), words(literal("NOVALUES", "novalues", "WRONG"))])
    )
  ],
  sets: [
    Arbitrary.schema(Schema.Union([one("SADD", key, member), one("SADD", key, member, member, member)])),
    Arbitrary.schema(one("SADD", key, member, member)),
    Arbitrary.schema(Schema.Union([one("SREM", key, member), one("SREM", key, member, member)])),
    Arbitrary.schema(Schema.Union([one("SCARD", key), one("SMEMBERS", key)])),
    Arbitrary.schema(Schema.Union([one("SISMEMBER", key, member), one("SMISMEMBER", key, member, member)])),
    Arbitrary.schema(one("SMOVE", key, key, member)),
    Arbitrary.schema(
      Schema.Union([
        one("SPOP", key, literal("100", "0", "-1", "abc")),
        one("SRANDMEMBER", key, literal("100", "0", "abc"))
      ])
    ),
    Arbitrary.schema(words(literal("SUNION", "SINTER", "SDIFF"), key, key)),
    Arbitrary.schema(words(literal("SUNION", "SINTER", "SDIFF"), key, key, key)),
    Arbitrary.schema(words(literal("SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"), key, key, key)),
    combine(
      one("SSCAN", key, literal("0", "abc")),
      Schema.Union([words(), words(literal("MATCH"), pattern), words(literal("COUNT"), literal("10", "0", "abc"))])
    )
  ],
  sortedSets: [
    Arbitrary.schema(one("ZADD", key, score, member)),
    Arbitrary.schema(one("ZADD", key, score, member, score, member, score, member)),
    combine(
      one("ZADD", key),
      Schema.Union([words(), words(zaddOption), words(zaddOption, zaddOption)]),
      Schema.Union([words(score, member), words(score, member, score, member), words(score)])
    ),
    Arbitrary.schema(one("ZINCRBY", key, score, member)),
    Arbitrary.schema(Schema.Union([one("ZREM", key, member), one("ZREM", key, member, member)])),
    Arbitrary.schema(
      Schema.Union([one("ZSCORE", key, member), one("ZMSCORE", key, member, member), one("ZCARD", key)])
    ),
    Arbitrary.schema(Schema.Union([one("ZRANK", key, member), one("ZREVRANK", key, member)])),
    combine(
      one("ZRANGE", key, index, index),
      Schema.Union([
        words(),
        words(literal("REV", "WITHSCORES", "WRONG")),
        words(literal("REV"), literal("withscores"))
      ])
    ),
    combine(
      one("ZRANGE", key, bound, bound, literal("BYSCORE")),
      Schema.Union([words(), words(literal("REV"))]),
      Schema.Union([words(), words(literal("LIMIT"), literal("0", "1", "-1"), literal("-1", "0", "2", "abc"))]),
      Schema.Union([words(), words(literal("WITHSCORES"))])
    ),
    Arbitrary.schema(one("ZRANGE", key, index, index, literal("LIMIT"), literal("0"), literal("1"))),
    Arbitrary.schema(Schema.Union([one("ZCOUNT", key, bound, bound), one("ZREMRANGEBYSCORE", key, bound, bound)])),
    Arbitrary.schema(one("ZREMRANGEBYRANK", key, index, index)),
    Arbitrary.schema(Schema.Union([one("ZPOPMIN", key), one("ZPOPMAX", key)])),
    Arbitrary.schema(words(literal("ZPOPMIN", "ZPOPMAX"), key, literal("0", "1", "2", "-1", "abc"))),
    combine(
      one("ZSCAN", key, literal("0", "abc")),
      Schema.Union([words(), words(literal("MATCH"), pattern), words(literal("COUNT"), literal("10", "0", "abc"))])
    )
  ],
  lists: [
    Arbitrary.schema(words(literal("LPUSH", "RPUSH", "LPUSHX", "RPUSHX"), key, member)),
    Arbitrary.schema(words(literal("LPUSH", "RPUSH"), key, member, member, member)),
    Arbitrary.schema(words(literal("LPOP", "RPOP"), key)),
    Arbitrary.schema(words(literal("LPOP", "RPOP"), key, literal("0", "1", "2", "-1", "abc"))),
    Arbitrary.schema(Schema.Union([one("LLEN", key), one("LINDEX", key, index)])),
    Arbitrary.schema(words(literal("LRANGE", "LTRIM"), key, index, index)),
    Arbitrary.schema(one("LRANGE", key, literal("0"), literal("-1"))),
    Arbitrary.schema(one("LSET", key, index, member)),
    Arbitrary.schema(one("LINSERT", key, literal("BEFORE", "AFTER", "after", "WRONG"), member, member)),
    Arbitrary.schema(one("LREM", key, literal("0", "1", "-1", "2", "abc"), member)),
    combine(
      one("LPOS", key, member),
      Schema.Union([words(), words(literal("RANK"), literal("1", "2", "-1", "0", "abc"))]),
      Schema.Union([words(), words(literal("COUNT"), literal("0", "1", "2", "-1", "abc"))]),
      Schema.Union([words(), words(literal("MAXLEN"), literal("0", "1", "2", "-1")), words(literal("WRONG"))])
    ),
    Arbitrary.schema(one("LMOVE", key, key, literal("LEFT", "RIGHT", "left", "WRONG"), literal("LEFT", "RIGHT")))
  ],
  expiry: [
    Arbitrary.schema(Schema.Union([one("EXPIRE", key, seconds), one("PEXPIRE", key, millis)])),
    Arbitrary.schema(Schema.Union([one("EXPIREAT", key, instantSeconds), one("PEXPIREAT", key, instantMillis)])),
    Arbitrary.schema(
      Schema.Union([one("EXPIRE", key, seconds, condition), one("PEXPIREAT", key, instantMillis, condition, condition)])
    ),
    Arbitrary.schema(Schema.Union([one("TTL", key), one("PTTL", key)])),
    Arbitrary.schema(Schema.Union([one("EXPIRETIME", key), one("PEXPIRETIME", key)])),
    Arbitrary.schema(one("PERSIST", key))
  ]
}

const toCommand = ([name = "", ...args]: ReadonlyArray<string>): Command => ({ name, args, reply: "buffer" })

type Sequence = Arbitrary.Arbitrary<ReadonlyArray<Command>>

const sequenceOf = (commands: ReadonlyArray<Arbitrary.Arbitrary<ReadonlyArray<string>>>, maxLength: number): Sequence =>
  Arbitrary.array(
    Arbitrary.flatMap(Arbitrary.schema(Schema.Literals(commands.map((_, i) => i))), (i) =>
      Arbitrary.map(commands[i] ?? commands[0]!, toCommand)
    ),
    { minLength: 1, maxLength }
  )

/** Up to 12 commands over a few keys, of every family. */
export const commandSequence: Sequence = sequenceOf(Object.values(families).flat(), 12)

/** Up to 16 commands of one type of structure, with now and then one that meets any type. */
export const structureSequences: Readonly<Record<"hashes" | "lists" | "sets" | "sorted sets", Sequence>> = {
  lists: sequenceOf(
    [...families.lists, ...families.lists, ...families.keys.slice(0, 4), ...families.expiry.slice(0, 1)],
    16
  ),
  "sorted sets": sequenceOf(
    [...families.sortedSets, ...families.sortedSets, ...families.keys.slice(0, 4), ...families.expiry.slice(0, 1)],
    16
  ),
  sets: sequenceOf(
    [...families.sets, ...families.sets, ...families.keys.slice(0, 4), ...families.expiry.slice(0, 1)],
    16
  ),
  hashes: sequenceOf(
    [...families.hashes, ...families.hashes, ...families.keys.slice(0, 4), ...families.expiry.slice(0, 1)],
    16
  )
}
