/** Who is connected to servers, and which commands were slow. No argument of a command is shown: they are keys, values and passwords. */
import type { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Reply } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { list, shown } from "./replies.ts"
import { type Answers, askEach } from "./serverLooks.ts"

/** At most this many entries of each list are shown. */
const most = 50

export interface ConnectedClient {
  readonly address: string
  readonly name: string
  readonly user: string
  /** Seconds. */
  readonly age: number
  readonly idle: number
  /** The command that it sent last, without arguments. */
  readonly command: string
}

/** Who is connected: how many there are, and the first 50. */
export interface ConnectedClients {
  readonly count: number
  readonly first: ReadonlyArray<ConnectedClient>
}

/** CLIENT LIST of each server. */
export const clientsOf = (client: ValkeyClientShape): Effect.Effect<Answers<ConnectedClients>, CommandError> =>
  askEach(client, "CLIENT", ["LIST"], (reply) => {
    const lines = shown(reply)
      .split("\n")
      .filter((line) => line !== "")
    return { count: lines.length, first: lines.slice(0, most).map(clientIn) }
  })

const clientIn = (line: string): ConnectedClient => {
  const facts = new Map(
    line.split(" ").map((fact) => [fact.slice(0, fact.indexOf("=")), fact.slice(fact.indexOf("=") + 1)])
  )
  return {
    address: facts.get("addr") ?? "?",
    name: facts.get("name") ?? "",
    user: facts.get("user") ?? "",
    age: Number(facts.get("age")),
    idle: Number(facts.get("idle")),
    command: facts.get("cmd") ?? "?"
  }
}

export interface SlowCommand {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Milliseconds. */
  readonly took: number
  readonly command: string
  /** How many arguments it had. */
  readonly size: number
  readonly client: string
}

/** The slow log of each server, the last first. */
export const slowCommandsOf = (
  client: ValkeyClientShape
): Effect.Effect<Answers<ReadonlyArray<SlowCommand>>, CommandError> =>
  askEach(client, "SLOWLOG", ["GET", most], (reply) => list(reply).flatMap(slowCommandIn))

const slowCommandIn = (entry: Reply): ReadonlyArray<SlowCommand> => {
  const [, seconds, micros, words, address, name] = list(entry)
  const [command, ...args] = list(words)
  if (typeof seconds !== "number" || typeof micros !== "number") return []
  return [
    {
      at: 1000 * seconds,
      took: micros / 1000,
      command: shown(command).toUpperCase(),
      size: args.length,
      client: shown(name) || shown(address)
    }
  ]
}

/** The answer of each server to MEMORY DOCTOR. */
export const memoryDoctorOf = (client: ValkeyClientShape): Effect.Effect<Answers<string>, CommandError> =>
  askEach(client, "MEMORY", ["DOCTOR"], shown)
