/** What a server may send in place of a right reply. */
import type { Dice } from "./Dice.ts"
import { bulk, failure, integer, list, status, texts } from "./resp.ts"

export interface Distortion {
  /**
   * - `"kept"`: the reply is for the command that it answers, and so are those behind it
   * - `"lost"`: replies may belong to other commands, which nobody can always see
   * - `"mistyped"`: the command is never answered so, and who reads on behind it reads others' replies
   * - `"broken"`: no server sends these bytes; who reads on behind it reads nonsense
   */
  readonly order: "kept" | "lost" | "mistyped" | "broken"
  /** Bytes as Latin letters. Undefined: nothing of that kind is there for this command. */
  readonly make: (reply: string, dice: Dice, name: string) => string | undefined
  /** Bytes behind it may be taken for a part of it. */
  readonly swallows?: true | undefined
  /** What the server does then. Default: it goes on. */
  readonly next?: "close" | "falls silent" | undefined
}

/** Ports at which nobody listens. */
const nowhere = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:9", ":1", "?:1", "127.0.0.1:0", "127.0.0.1:99999"]

const refusals = (dice: Dice): string =>
  dice.pick([
    `MOVED ${dice.below(20_000)} ${dice.pick(nowhere)}`,
    `ASK ${dice.below(20_000)} ${dice.pick(nowhere)}`,
    "MOVED",
    "ASK -1 127.0.0.1",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN Hash slot not served",
    "LOADING Valkey is loading the dataset in memory",
    "READONLY You can't write against a read only replica.",
    "NOSCRIPT No matching script.",
    "NOAUTH Authentication required.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "EXECABORT Transaction discarded because of previous errors.",
    "BUSY Valkey is busy running a script.",
    "ERR unknown command",
    "ERR",
    "",
    " ",
    "\u0000",
    "x".repeat(dice.below(3000))
  ])

/** A reply of any type. */
export const anyReply = (dice: Dice, depth = 0): string => {
  const kind = dice.below(depth > 4 ? 6 : 8)
  switch (kind) {
    case 0:
      return integer(dice.pick([0, 1, -1, dice.below(1e9), 2 ** 53, -(2 ** 60)]))
    case 1:
      return status(dice.pick(["OK", "PONG", "QUEUED", "", "x".repeat(dice.below(100))]))
    case 2:
      return bulk(null)
    case 3:
      return "*-1\r\n"
    case 4:
      return failure(refusals(dice))
    case 5:
      return bulk(dice.pick(["", "0", "1-1", '"', '"text"', "{}", "\r\n", "nan", "x".repeat(dice.below(500))]))
    case 6:
      return list(Array.from({ length: dice.below(5) }, () => anyReply(dice, depth + 1)))
    default:
      return texts(Array.from({ length: dice.below(6) }, () => String(dice.below(100))))
  }
}

const message = (dice: Dice): string =>
  dice.pick([
    texts(["message", "channel", "text"]),
    texts(["pmessage", "*", "channel", "text"]),
    texts(["message"]),
    list([bulk("subscribe"), bulk("channel"), integer(1)]),
    list([bulk("unsubscribe"), bulk(null), integer(0)]),
    texts(["message", "+switch-master", "main 127.0.0.1 1 127.0.0.1 2"]),
    texts(["message", "+switch-master", ""])
  ])

const nested = (depth: number): string => "*1\r\n".repeat(depth) + integer(1)

const flip = (reply: string, dice: Dice): string => {
  const at = dice.below(reply.length)
  const byte = String.fromCharCode(dice.below(256))
  return dice.pick([
    reply.slice(0, at) + byte + reply.slice(at + 1),
    reply.slice(0, at) + byte + reply.slice(at),
    reply.slice(0, at) + reply.slice(at + 1)
  ])
}

const lists = new Set(["MGET", "HGETALL", "LRANGE", "SCAN", "ROLE", "SMEMBERS"])
const strings = new Set(["GET", "SET", "HGET", "GETSET"])
const integers = new Set(["INCR", "DEL", "UNLINK", "EXISTS", "HSET", "LLEN", "PEXPIRE", "RPUSH", "SADD", "ZCARD"])

/** Of a type that the command's reply never has. */
const anotherShape = (dice: Dice, name: string): string | undefined => {
  if (lists.has(name)) return dice.pick([integer(1), bulk("x"), status("OK")])
  if (strings.has(name)) return dice.pick([integer(1), list([]), texts(["x"])])
  return integers.has(name) ? dice.pick([bulk("1"), status("OK"), texts(["x"])]) : undefined
}

export const distortions: Readonly<Record<string, Distortion>> = {
  right: { order: "kept", make: (reply) => reply },
  refused: { order: "kept", make: (_, dice) => failure(refusals(dice)) },
  cut: { order: "kept", make: (reply, dice) => reply.slice(0, dice.below(reply.length)), next: "close" },
  stuck: {
    order: "kept",
    make: (reply, dice) => reply.slice(0, dice.below(reply.length)),
    next: "falls silent",
    swallows: true
  },
  closed: { order: "kept", make: (reply) => reply, next: "close" },
  anotherType: { order: "lost", make: (_, dice) => anyReply(dice) },
  doubled: { order: "lost", make: (reply) => reply + reply },
  missing: { order: "lost", make: () => "" },
  unasked: { order: "lost", make: (reply, dice) => reply + anyReply(dice) },
  messageInstead: { order: "lost", make: (_, dice) => message(dice) },
  messageToo: {
    order: "lost",
    make: (reply, dice) => (dice.chance(0.5) ? reply + message(dice) : message(dice) + reply)
  },
  nestedABit: { order: "lost", make: (_, dice) => nested(1 + dice.below(8)) },
  nestedDeeply: { order: "lost", make: (_, dice) => nested(dice.pick([127, 128, 129, 10_000, 100_000])) },
  long: { order: "lost", make: (_, dice) => bulk("x".repeat(dice.pick([1000, 70_000, 300_000]))) },
  manyElements: {
    order: "lost",
    make: (_, dice) => list(Array.from({ length: dice.pick([100, 5000]) }, () => integer(1)))
  },
  longLine: {
    order: "lost",
    swallows: true,
    make: (_, dice) => dice.pick(["+", "-"]) + "x".repeat(70_000) + dice.pick(["", "\r\n"])
  },
  hugeString: {
    order: "lost",
    swallows: true,
    make: (_, dice) =>
      `$${dice.pick(["2000000000", "536870912", "536870913", "99999999999", "9007199254740993"])}\r\nabc`
  },
  hugeList: {
    order: "lost",
    make: (_, dice) => `*${dice.pick(["1000000000", "4294967296", "16777217", "99999999999"])}\r\n`
  },
  flipped: { order: "lost", swallows: true, make: flip },
  noise: {
    order: "lost",
    swallows: true,
    make: (_, dice) => String.fromCharCode(...Array.from({ length: dice.below(60) }, () => dice.below(256)))
  },
  anotherShape: {
    order: "mistyped",
    make: (reply, dice, name) => (reply === status("QUEUED") ? undefined : anotherShape(dice, name))
  },
  unknownKind: {
    order: "broken",
    make: (_, dice) =>
      dice.pick([
        "_\r\n",
        "#t\r\n",
        ",1.5\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "~0\r\n",
        ">1\r\n+a\r\n",
        "x\r\n",
        "\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n"
      ])
  },
  noLength: {
    order: "broken",
    make: (_, dice) => dice.pick(["$", "*"]) + dice.pick(["abc", "-2", "1x", "", "--1", "1e3"]) + "\r\n"
  },
  noNumber: {
    order: "broken",
    make: (_, dice) => `:${dice.pick(["abc", "", "1.5", "-", "0x10", "9".repeat(30)])}\r\n`
  },
  longerThanSaid: { order: "broken", make: (reply) => `$3\r\nabcd${reply}` }
}
