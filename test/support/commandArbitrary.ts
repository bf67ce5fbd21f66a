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
const lexBound = Schema.Literals(["-", "+", "[a", "(a", "[b", "(c", "[", "(", "a", "", "[ключ", "[z"])
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

const scanTail = Schema.Union([
  words(),
  words(literal("MATCH"), pattern),
  words(literal("COUNT"), literal("10", "0", "abc"))
])

const id = Schema.Literals([
  "1-1",
  "1-2",
  "2",
  "2-1",
  "3-0",
  "5",
  "05-1",
  "0-0",
  "0-1",
  "abc",
  "-",
  "1-",
  "18446744073709551615-18446744073709551615"
])
const newId = Schema.Literals([
  "1",
  "2-*",
  "2-5",
  "3-*",
  "4-0",
  "5-*",
  "6-*",
  "7-*",
  "0-*",
  "*-1",
  "18446744073709551615-*"
])
const interval = Schema.Literals([
  "-",
  "+",
  "1",
  "2",
  "3-1",
  "(1-1",
  "(2",
  "5-1",
  "(0-0",
  "(",
  "(-",
  "(18446744073709551615-18446744073709551615",
  "abc"
])
const afterId = Schema.Literals(["0", "0-0", "1-1", "2", "3", "$", ">", "abc", "-"])
const readId = Schema.Literals([">", ">", ">", "0", "2", "$", "abc"])
const groupId = Schema.Literals(["0", "0", "$", "1-1", "2", "9", "abc", "-"])
const group = Schema.Literals(["g1", "g2", "группа"])
const consumer = Schema.Literals(["c1", "c2", "потребитель"])
const count = Schema.Literals(["0", "1", "2", "10", "-1", "abc"])
const threshold = Schema.Literals(["0", "1", "2", "3", "5", "-1", "2-1", "abc"])
const trimWords = Schema.Union([
  words(literal("MAXLEN", "MINID", "maxlen"), threshold),
  words(literal("MAXLEN", "MINID"), literal("=", "~"), threshold),
  words(literal("MAXLEN", "MINID"), literal("=", "~"), threshold, literal("LIMIT"), literal("0", "1", "100", "-1")),
  words(literal("MAXLEN"), threshold, literal("MINID"), threshold),
  words(literal("LIMIT"), literal("0", "1", "abc"))
])
const claimWord = Schema.Union([
  words(),
  words(literal("FORCE", "JUSTID", "WRONG")),
  words(literal("RETRYCOUNT"), literal("0", "5", "-1", "abc")),
  words(literal("IDLE", "TIME"), literal("0", "5000000", "abc")),
  words(literal("LASTID"), id)
])

/** Keys and how many there are, mostly right. */
const counted = Schema.Union([
  words(literal("1"), key),
  words(literal("2"), key, key),
  words(literal("3"), key, key, key),
  words(literal("0", "3", "-1", "abc"), key, key)
])
const rangeLimit = Schema.Union([
  words(),
  words(literal("LIMIT"), literal("0", "1", "-1", "abc"), literal("-1", "0", "2")),
  words(literal("LIMIT"), literal("0"))
])
const weights = Schema.Union([
  words(),
  words(literal("WEIGHTS"), score, score),
  words(literal("weights"), literal("2")),
  words(literal("WEIGHTS"), literal("0.5"), literal("-1"), literal("inf")),
  words(literal("AGGREGATE"), literal("SUM", "MIN", "max", "WRONG")),
  words(literal("AGGREGATE"))
])

const bitOffset = Schema.Literals(["0", "1", "7", "8", "9", "20", "100", "-1", "abc", "#1", "#3", "1.5", "4294967296"])
const bitType = Schema.Literals(["u1", "u8", "i8", "i5", "u3", "u32", "i53", "u0", "u64", "i65", "x8", "u"])
const bitStep = Schema.Union([
  words(literal("GET"), bitType, bitOffset),
  words(literal("SET", "set"), bitType, bitOffset, literal("0", "1", "-1", "127", "255", "300", "-200", "abc")),
  words(literal("INCRBY"), bitType, bitOffset, literal("1", "-1", "100", "-100", "9007199254740991", "abc")),
  words(literal("GET"), bitType)
])

const bitRange = Schema.Union([
  words(),
  words(index),
  words(index, index),
  words(index, index, literal("BIT", "BYTE", "bit", "WRONG")),
  words(index, index, literal("BIT"), index)
])

const longitude = Schema.Literals([
  "13.361389",
  "15.087269",
  "-0.1275",
  "180",
  "-180",
  "2.3522",
  "13.4",
  "181",
  "abc",
  "0"
])
const latitude = Schema.Literals([
  "38.115556",
  "37.502669",
  "51.5072",
  "85.05112878",
  "-85",
  "48.8566",
  "0",
  "86",
  "abc"
])
const unit = Schema.Literals(["m", "km", "ft", "MI", "km", "km", "xx"])
const size = Schema.Literals(["0", "1", "100", "200", "500.5", "5000", "-1", "abc"])
const origin = Schema.Union([
  words(literal("FROMMEMBER"), member),
  words(literal("FROMLONLAT", "fromlonlat"), longitude, latitude),
  words(literal("WRONG"), member)
])
const area = Schema.Union([
  words(literal("BYRADIUS"), size, unit),
  words(literal("BYBOX"), size, size, unit),
  words(literal("BYBOX"), size, unit)
])
const placeOption = Schema.Union([
  words(),
  words(literal("ASC", "DESC", "WITHDIST", "WITHHASH", "WITHCOORD", "ANY", "STOREDIST", "WRONG")),
  words(literal("COUNT"), literal("100", "50", "0", "-1", "abc")),
  words(literal("COUNT"), literal("100"), literal("ANY")),
  words(literal("STORE", "STOREDIST"), key)
])

/** FIELDS and how many there are, mostly right. */
const fieldWords = Schema.Union([
  words(literal("FIELDS"), literal("1"), field),
  words(literal("FIELDS", "fields"), literal("2"), field, field),
  words(literal("FIELDS"), literal("0", "3", "-1", "abc"), field, field),
  words(literal("WRONG"), literal("1"), field)
])
const fieldEnd = Schema.Union([
  words(literal("EX"), seconds),
  words(literal("PX", "px"), millis),
  words(literal("EXAT"), instantSeconds),
  words(literal("PXAT"), instantMillis),
  words(literal("WRONG"))
])

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
    combine(
      one("LCS", key, key),
      Schema.Union([
        words(),
        words(literal("LEN", "IDX", "len", "WRONG")),
        words(literal("IDX"), literal("LEN", "WITHMATCHLEN"))
      ]),
      Schema.Union([words(), words(literal("MINMATCHLEN"), literal("0", "2", "-1", "abc"))])
    ),
    Arbitrary.schema(one("SUBSTR", key, index, index))
  ],
  places: [
    Arbitrary.schema(one("GEOADD", key, longitude, latitude, member)),
    combine(
      one("GEOADD", key),
      Schema.Union([words(), words(literal("NX", "XX", "CH", "GT")), words(literal("NX", "CH"), literal("XX", "nx"))]),
      words(longitude, latitude, member),
      Schema.Union([words(longitude, latitude, member), words(longitude, latitude)])
    ),
    Arbitrary.schema(words(literal("GEOPOS", "GEOHASH"), key, member, member)),
    Arbitrary.schema(words(literal("GEOPOS", "GEOHASH", "GEODIST"), key)),
    combine(one("GEODIST", key, member, member), Schema.Union([words(), words(unit), words(unit, unit)])),
    combine(one("GEOSEARCH", key), origin, area, placeOption, placeOption),
    combine(one("GEOSEARCH", key), placeOption, area, origin, Schema.Union([words(), origin, area])),
    combine(one("GEOSEARCHSTORE", key, key), origin, area, placeOption),
    combine(
      words(literal("GEORADIUS", "GEORADIUS_RO"), key, longitude, latitude, size, unit),
      placeOption,
      placeOption
    ),
    combine(
      words(literal("GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"), key, member, size, unit),
      placeOption,
      placeOption
    ),
    Arbitrary.schema(one("ZRANGE", key, literal("0"), literal("-1"), literal("WITHSCORES"))),
    Arbitrary.schema(one("ZADD", key, literal("1", "2.5", "1000", "3479099956230698"), member))
  ],
  sketches: [
    Arbitrary.schema(one("PFADD", key)),
    Arbitrary.schema(one("PFADD", key, value)),
    combine(
      one("PFADD", key),
      words(value, member, value),
      words(field, value, bitOffset),
      words(index, pattern, integer)
    ),
    Arbitrary.map(
      Arbitrary.all([
        Arbitrary.schema(key),
        Arbitrary.schema(Schema.Literals([3, 20, 200, 2000])),
        Arbitrary.schema(Schema.Literals([0, 100, 5000]))
      ]),
      ([key, many, from]) => ["PFADD", key, ...Array.from({ length: many }, (_, i) => `element ${from + i}`)]
    ),
    Arbitrary.schema(one("PFCOUNT", key)),
    Arbitrary.schema(one("PFCOUNT", key, key, key)),
    Arbitrary.schema(one("PFMERGE", key, key)),
    Arbitrary.schema(one("PFMERGE", key, key, key)),
    Arbitrary.schema(one("PFMERGE", key))
  ],
  bits: [
    Arbitrary.schema(one("SETBIT", key, bitOffset, literal("0", "1", "1", "2", "abc"))),
    Arbitrary.schema(one("GETBIT", key, bitOffset)),
    combine(one("BITCOUNT", key), bitRange),
    combine(one("BITPOS", key, literal("0", "1", "2", "abc")), bitRange),
    Arbitrary.schema(one("BITOP", literal("AND", "OR", "XOR", "xor"), key, key, key)),
    Arbitrary.schema(one("BITOP", literal("NOT", "AND", "WRONG"), key, key)),
    Arbitrary.schema(one("BITOP", literal("NOT"), key, key, key)),
    combine(one("BITFIELD", key), bitStep, Schema.Union([words(), bitStep]), Schema.Union([words(), bitStep])),
    combine(
      one("BITFIELD", key),
      words(literal("OVERFLOW"), literal("SAT", "FAIL", "wrap", "WRONG")),
      bitStep,
      bitStep
    ),
    combine(one("BITFIELD_RO", key), Schema.Union([bitStep, words(literal("GET"), bitType, bitOffset)]))
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
        literal("string", "hash", "set", "zset", "list", "stream", "STRING", "Neither")
      )
    ),
    Arbitrary.schema(Schema.Union([one("DBSIZE"), one("PING"), one("PING", value), one("ECHO", value)])),
    Arbitrary.schema(
      Schema.Union([
        one("FLUSHDB", literal("SYNC", "ASYNC", "WRONG")),
        one("PUBSUB", literal("CHANNELS", "NUMPAT", "numsub", "SHARDCHANNELS", "SHARDNUMSUB")),
        one("PUBSUB", literal("CHANNELS", "NUMPAT", "NUMSUB", "SHARDCHANNELS", "SHARDNUMSUB"), key),
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
    Arbitrary.schema(one("HRANDFIELD", key, literal("100", "0", "abc"))),
    Arbitrary.schema(one("HRANDFIELD", key, literal("100", "0"), literal("WITHVALUES", "WRONG"))),
    combine(
      one("HSCAN", key, literal("0", "abc")),
      Schema.Union([
        words(),
        words(literal("MATCH"), pattern),
        words(literal("COUNT"), literal("10", "0", "abc")),
        words(literal("TYPE"), literal("hash", "neither"), literal("COUNT"), literal("abc"))
      ]),
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
      one("SINTERCARD"),
      counted,
      Schema.Union([words(), words(literal("LIMIT", "WRONG"), count), words(literal("LIMIT"))])
    ),
    combine(one("SSCAN", key, literal("0", "abc")), scanTail)
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
    combine(
      one("ZRANGE", key, lexBound, lexBound, literal("BYLEX")),
      Schema.Union([words(), words(literal("REV", "WITHSCORES", "BYSCORE"))]),
      rangeLimit
    ),
    combine(
      words(literal("ZRANGEBYLEX", "ZREVRANGEBYLEX"), key, lexBound, lexBound),
      Schema.Union([rangeLimit, words(literal("WITHSCORES", "REV", "WRONG"))])
    ),
    combine(
      words(literal("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"), key, bound, bound),
      Schema.Union([words(), words(literal("WITHSCORES", "REV", "BYLEX"))]),
      rangeLimit
    ),
    combine(
      one("ZREVRANGE", key, index, index),
      Schema.Union([words(), words(literal("WITHSCORES", "REV")), rangeLimit])
    ),
    combine(
      one("ZRANGESTORE", key, key),
      Schema.Union([
        words(index, index),
        words(bound, bound, literal("BYSCORE")),
        words(lexBound, lexBound, literal("BYLEX"))
      ]),
      Schema.Union([words(), words(literal("REV", "WITHSCORES"))]),
      rangeLimit
    ),
    Arbitrary.schema(words(literal("ZLEXCOUNT", "ZREMRANGEBYLEX"), key, lexBound, lexBound)),
    Arbitrary.schema(one("ZADD", key, literal("0"), member, literal("0"), member, literal("0"), member)),
    combine(
      words(literal("ZUNION", "ZINTER", "ZDIFF")),
      counted,
      weights,
      Schema.Union([words(), words(literal("WITHSCORES"))])
    ),
    combine(words(literal("ZUNION", "ZINTER")), counted, weights, weights, words(literal("withscores"))),
    combine(words(literal("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"), key), counted, weights),
    combine(
      one("ZINTERCARD"),
      counted,
      Schema.Union([words(), words(literal("LIMIT", "WEIGHTS"), count), words(literal("LIMIT"))])
    ),
    combine(
      one("ZMPOP"),
      counted,
      words(literal("MIN", "MAX", "min", "WRONG")),
      Schema.Union([words(), words(literal("COUNT"), count), words(literal("COUNT"))])
    ),
    Arbitrary.schema(one("ZRANDMEMBER", key, literal("100", "0", "abc"))),
    Arbitrary.schema(one("ZRANDMEMBER", key, literal("100", "0"), literal("WITHSCORES", "WRONG"))),
    Arbitrary.schema(one("SADD", key, member, member)),
    Arbitrary.schema(Schema.Union([one("ZPOPMIN", key), one("ZPOPMAX", key)])),
    Arbitrary.schema(words(literal("ZPOPMIN", "ZPOPMAX"), key, literal("0", "1", "2", "-1", "abc"))),
    combine(one("ZSCAN", key, literal("0", "abc")), scanTail)
  ],
  fieldLifetimes: [
    combine(
      one("HEXPIRE", key, seconds),
      Schema.Union([words(), words(condition), words(condition, condition)]),
      fieldWords
    ),
    combine(one("HPEXPIRE", key, millis), fieldWords),
    combine(one("HEXPIREAT", key, instantSeconds), fieldWords),
    combine(one("HPEXPIREAT", key, instantMillis), Schema.Union([words(), words(condition)]), fieldWords),
    combine(words(literal("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HPERSIST"), key), fieldWords),
    combine(one("HGETDEL", key), fieldWords),
    combine(one("HGETEX", key), Schema.Union([words(), fieldEnd, words(literal("PERSIST"))]), fieldWords),
    combine(one("HGETEX", key), fieldEnd, Schema.Union([fieldEnd, words(literal("PERSIST"))]), fieldWords),
    combine(
      one("HSETEX", key),
      Schema.Union([words(), words(literal("FNX", "FXX", "fnx", "NX", "XX"))]),
      Schema.Union([words(), fieldEnd, words(literal("KEEPTTL"))]),
      Schema.Union([
        words(literal("FIELDS"), literal("1"), field, value),
        words(literal("FIELDS"), literal("2"), field, value, field, value),
        words(literal("FIELDS"), literal("2"), field, value)
      ])
    ),
    combine(
      one("HSETEX", key),
      words(literal("FNX", "FXX", "NX", "XX", "KEEPTTL")),
      Schema.Union([words(literal("FNX", "FXX", "KEEPTTL")), fieldEnd]),
      words(literal("FIELDS"), literal("1"), field, value)
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
    Arbitrary.schema(one("LMOVE", key, key, literal("LEFT", "RIGHT", "left", "WRONG"), literal("LEFT", "RIGHT"))),
    Arbitrary.schema(one("RPOPLPUSH", key, key)),
    combine(
      one("LMPOP"),
      Schema.Union([
        words(literal("1"), key),
        words(literal("2"), key, key),
        words(literal("0", "2", "3", "-1", "abc"), key, key)
      ]),
      words(literal("LEFT", "RIGHT", "right", "WRONG")),
      Schema.Union([
        words(),
        words(literal("COUNT", "count"), count),
        words(literal("COUNT"), literal("2"), literal("COUNT"), literal("1")),
        words(literal("COUNT"))
      ])
    )
  ],
  streams: [
    Arbitrary.schema(one("XADD", key, id, field, value)),
    Arbitrary.schema(one("XADD", key, newId, field, value)),
    Arbitrary.schema(one("XADD", key, newId, field, value, field, value)),
    combine(
      one("XADD", key),
      Schema.Union([words(), words(literal("NOMKSTREAM"))]),
      trimWords,
      Schema.Union([words(newId, field, value), words(newId, field)])
    ),
    combine(one("XTRIM", key), trimWords),
    Arbitrary.schema(Schema.Union([one("XDEL", key, id), one("XDEL", key, id, id), one("XLEN", key)])),
    combine(
      words(literal("XRANGE", "XREVRANGE"), key, interval, interval),
      Schema.Union([words(), words(literal("COUNT", "count", "WRONG"), count)])
    ),
    Arbitrary.schema(one("XRANGE", key, literal("-"), literal("+"))),
    combine(
      one("XSETID", key, id),
      Schema.Union([words(), words(literal("ENTRIESADDED"), literal("0", "3", "10", "-1", "abc"))]),
      Schema.Union([words(), words(literal("MAXDELETEDID", "WRONG"), id)])
    ),
    combine(
      one("XREAD"),
      Schema.Union([words(), words(literal("COUNT"), count), words(literal("NOACK")), words(literal("GROUP"), group)]),
      Schema.Union([
        words(literal("STREAMS"), key, afterId),
        words(literal("STREAMS", "streams", "WRONG"), key, key, afterId, afterId),
        words(literal("STREAMS"), key, key, afterId)
      ])
    ),
    Arbitrary.schema(one("XINFO", literal("STREAM", "GROUPS", "stream"), key)),
    combine(
      one("XINFO", literal("STREAM"), key, literal("FULL", "full", "WRONG")),
      Schema.Union([words(), words(literal("COUNT", "count", "WRONG"), count), words(literal("COUNT"))])
    )
  ],
  streamGroups: [
    combine(
      one("XGROUP", literal("CREATE"), key, group, groupId),
      Schema.Union([words(), words(literal("MKSTREAM"))]),
      Schema.Union([words(), words(literal("ENTRIESREAD"), literal("0", "1", "3", "-1", "-2", "abc"))])
    ),
    Arbitrary.schema(one("XGROUP", literal("CREATE"), key, group, literal("0"), literal("MKSTREAM"))),
    Arbitrary.schema(one("XGROUP", literal("SETID"), key, group, groupId)),
    Arbitrary.schema(one("XGROUP", literal("DESTROY"), key, group)),
    Arbitrary.schema(one("XGROUP", literal("CREATECONSUMER", "DELCONSUMER"), key, group, consumer)),
    combine(
      one("XREADGROUP", literal("GROUP"), group, consumer),
      Schema.Union([words(), words(literal("COUNT"), count), words(literal("NOACK"))]),
      Schema.Union([words(literal("STREAMS"), key, readId), words(literal("STREAMS"), key, key, readId, readId)])
    ),
    Arbitrary.schema(
      one(
        "XREADGROUP",
        literal("GROUP"),
        group,
        consumer,
        literal("COUNT"),
        literal("1"),
        literal("STREAMS"),
        key,
        literal(">")
      )
    ),
    Arbitrary.schema(Schema.Union([one("XACK", key, group, id), one("XACK", key, group, id, id)])),
    Arbitrary.schema(one("XPENDING", key, group)),
    combine(
      one("XPENDING", key, group),
      Schema.Union([words(), words(literal("IDLE"), literal("0", "1000000", "abc"))]),
      words(interval, interval, count),
      Schema.Union([words(), words(consumer)])
    ),
    combine(
      one("XCLAIM", key, group, consumer, literal("0", "-1", "1000000", "abc"), id),
      Schema.Union([words(), words(id)]),
      claimWord,
      claimWord
    ),
    combine(
      one("XAUTOCLAIM", key, group, consumer, literal("0", "0", "1000000", "abc"), interval),
      Schema.Union([words(), words(literal("COUNT"), literal("1", "2", "0", "abc"))]),
      Schema.Union([words(), words(literal("JUSTID", "WRONG"))])
    ),
    Arbitrary.schema(
      Schema.Union([
        one("XINFO", literal("GROUPS"), key),
        one("XINFO", literal("CONSUMERS"), key, group),
        one("XINFO", literal("STREAM"), key, literal("FULL"), literal("COUNT"), count)
      ])
    )
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

const { fieldLifetimes, ...ofThisAge } = families

/** Up to 12 commands over a few keys, of every family that a Valkey 8 knows. */
export const commandSequence: Sequence = sequenceOf(Object.values(ofThisAge).flat(), 12)

/** Up to 16 commands about hashes whose fields end, for a Valkey 9. */
export const fieldLifetimeSequence: Sequence = sequenceOf(
  [
    ...families.hashes,
    ...fieldLifetimes,
    ...fieldLifetimes,
    ...families.keys.slice(0, 5),
    ...families.expiry.slice(0, 1)
  ],
  16
)

const groupWithPending = [
  ["XADD", "k1", "1-1", "f1", "a"],
  ["XADD", "k1", "1-2", "f1", "b"],
  ["XADD", "k1", "3-1", "f1", "c"],
  ["XADD", "k1", "5-1", "f1", "d"],
  ["XGROUP", "CREATE", "k1", "g1", "0"],
  ["XREADGROUP", "GROUP", "g1", "c1", "COUNT", "2", "STREAMS", "k1", ">"]
].map(toCommand)

const joined = (pieces: ReadonlyArray<string>, maxLength: number) =>
  Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Literals(pieces)), { maxLength }), (all) => all.join(""))

/** Globs of everything that means something in one, over keys of the same characters. */
const globSequence: Sequence = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.array(joined(["a", "b", "c", "é", "*", "[", "]", "\\", "-", "^"], 5), { minLength: 1, maxLength: 12 }),
    Arbitrary.array(
      joined(
        [
          "a",
          "b",
          "é",
          "*",
          "**",
          "?",
          "[ab]",
          "[^a]",
          "[a-c]",
          "[c-a]",
          "[é]",
          "[",
          "]",
          "\\",
          "\\*",
          "[\\]]",
          "-",
          "^"
        ],
        6
      ),
      { minLength: 1, maxLength: 8 }
    )
  ]),
  ([keys, globs]) => [
    ...keys.map((key) => toCommand(["SET", key, ""])),
    ...globs.map((glob) => toCommand(["KEYS", glob]))
  ]
)

/** Up to 16 commands of one type of structure, with now and then one that meets any type. */
export const structureSequences: Readonly<
  Record<
    | "places"
    | "sketches"
    | "bits"
    | "hashes"
    | "lists"
    | "sets"
    | "sorted sets"
    | "streams"
    | "groups of streams"
    | "globs",
    Sequence
  >
> = {
  places: sequenceOf([...families.places, ...families.keys.slice(0, 4)], 16),
  sketches: sequenceOf([...families.sketches, ...families.strings.slice(0, 4), ...families.keys.slice(0, 5)], 12),
  bits: sequenceOf([...families.strings, ...families.bits, ...families.bits, ...families.keys.slice(0, 5)], 16),
  lists: sequenceOf(
    [...families.lists, ...families.lists, ...families.keys.slice(0, 5), ...families.expiry.slice(0, 1)],
    16
  ),
  "sorted sets": sequenceOf(
    [...families.sortedSets, ...families.sortedSets, ...families.keys.slice(0, 5), ...families.expiry.slice(0, 1)],
    16
  ),
  sets: sequenceOf(
    [...families.sets, ...families.sets, ...families.keys.slice(0, 5), ...families.expiry.slice(0, 1)],
    16
  ),
  streams: sequenceOf(
    [...families.streams, ...families.streams, ...families.keys.slice(0, 5), ...families.expiry.slice(0, 1)],
    16
  ),
  // They begin with something to give, and somebody who was given some of it.
  "groups of streams": Arbitrary.map(
    sequenceOf(
      [...families.streams, ...families.streamGroups, ...families.streamGroups, ...families.keys.slice(4, 5)],
      24
    ),
    (commands) => [...groupWithPending, ...commands]
  ),
  hashes: sequenceOf(
    [...families.hashes, ...families.hashes, ...families.keys.slice(0, 5), ...families.expiry.slice(0, 1)],
    16
  ),
  globs: globSequence
}
