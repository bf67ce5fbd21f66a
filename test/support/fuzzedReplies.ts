/** What a right server answers: enough of one for every command to be answered with a reply of its type. */
import { bulk, failure, integer, list, status, texts } from "./resp.ts"

/** What a fuzzed server is, and who is around it. */
export interface Role {
  readonly kind: "primary" | "replica" | "sentinel" | "cluster"
  /** Ports of the data servers, of which the first is the primary. */
  readonly servers: ReadonlyArray<number>
  readonly sentinels: ReadonlyArray<number>
}

/** Makes a value for a key, or a key and its field. */
export type ValueOf = (place: string) => string

export type Respond = (words: ReadonlyArray<string>) => string

/** One connection's answers. */
export const responder = (role: Role, valueOf: ValueOf): Respond => {
  let queued: Array<string> | undefined

  const userKey = (key = "") => key.replace(/^:\d+:/, "")
  const stored = (place: string) => bulk(JSON.stringify(valueOf(place)))
  const counter = (key: string) => integer(Number(/\d+/.exec(key)?.[0] ?? 0) * 1e9 + 1)

  const answer = ([name = "", ...args]: ReadonlyArray<string>): string => {
    const key = userKey(args[0])
    switch (name.toUpperCase()) {
      case "PING":
      case "ECHO":
        return args[0] === undefined ? status("PONG") : bulk(args[0])
      case "ROLE":
        return role.kind === "replica"
          ? list([bulk("slave"), bulk("127.0.0.1"), integer(role.servers[0]!), bulk("connected"), integer(1)])
          : list([bulk("master"), integer(1), list([])])
      case "GET":
      case "GETSET":
      case "GETDEL":
        return stored(key)
      case "SET":
        return args.includes("GET") ? stored(key) : status("OK")
      case "MGET":
        return list(args.map((key) => stored(userKey(key))))
      case "HGET":
        return stored(`${key}.${args[1]}`)
      case "HMGET":
        return list(args.slice(1).map((field) => stored(`${key}.${field}`)))
      case "HGETALL":
        return list(["f", "g", "h"].flatMap((field) => [bulk(field), stored(`${key}.${field}`)]))
      case "LPOP":
      case "RPOP":
        return args.length > 1 ? list([stored(key)]) : stored(key)
      case "INCR":
      case "INCRBY":
        return counter(key)
      case "EVAL":
      case "EVALSHA": {
        const [, keys, first = ""] = args
        if (keys === "1" && args.length === 3) return list([bulk(first), stored(userKey(first))])
        return userKey(first).endsWith("counter") ? counter(userKey(first)) : integer(1)
      }
      case "MULTI":
        return status("OK")
      case "DISCARD":
        queued = undefined
        return status("OK")
      case "SUBSCRIBE":
        return args.map((channel, i) => list([bulk("subscribe"), bulk(channel), integer(i + 1)])).join("")
      case "SCAN":
      case "HSCAN":
      case "SSCAN":
      case "ZSCAN":
        return list([bulk("0"), list([])])
      case "INFO":
        return bulk("# Server\r\nredis_version:7.2.4\r\nrole:master\r\n")
      case "CLUSTER":
        return role.kind === "cluster" ? slots(role.servers) : failure("ERR This instance has cluster support disabled")
      case "SENTINEL":
        return sentinel(args)
      case "AUTH":
      case "SELECT":
      case "CLIENT":
      case "READONLY":
      case "ASKING":
      case "WATCH":
      case "UNWATCH":
      case "FLUSHDB":
      case "FLUSHALL":
      case "LTRIM":
      case "RENAME":
        return status("OK")
      case "DEL":
      case "UNLINK":
      case "EXISTS":
      case "PEXPIRE":
      case "PUBLISH":
      case "HSET":
      case "RPUSH":
      case "LPUSH":
        return integer(1)
      default:
        return bulk(null)
    }
  }

  const sentinel = ([question = ""]: ReadonlyArray<string>): string => {
    const [primary = 0, ...replicas] = role.servers
    const fieldsOf = (port: number) =>
      texts([
        "ip",
        "127.0.0.1",
        "port",
        String(port),
        "flags",
        "slave",
        "master-link-status",
        "ok",
        "config-epoch",
        "1"
      ])
    switch (question.toUpperCase()) {
      case "GET-MASTER-ADDR-BY-NAME":
        return texts(["127.0.0.1", String(primary)])
      case "MASTER":
        return fieldsOf(primary)
      case "SENTINELS":
        return list(role.sentinels.map(fieldsOf))
      default:
        return list(replicas.map(fieldsOf))
    }
  }

  return (words) => {
    const name = (words[0] ?? "").toUpperCase()
    if (name === "MULTI") queued = []
    else if (name === "EXEC" && queued !== undefined) {
      const replies = list(queued)
      queued = undefined
      return replies
    } else if (queued !== undefined && name !== "DISCARD") {
      queued.push(answer(words))
      return status("QUEUED")
    }
    return answer(words)
  }
}

/** The slots in even parts. */
const slots = (ports: ReadonlyArray<number>): string => {
  const size = Math.ceil(16_384 / ports.length)
  return list(
    ports.map((port, i) =>
      list([
        integer(i * size),
        integer(Math.min(16_383, (i + 1) * size - 1)),
        list([bulk("127.0.0.1"), integer(port), bulk(`${port}`.padStart(40, "0"))])
      ])
    )
  )
}
