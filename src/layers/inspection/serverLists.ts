/** Who is connected to a server, and which commands were slow. No argument of a command is shown: they are keys, values and passwords. */
import { type Duration, Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { shown } from "./replies.ts"

/** Of each list. */
const most = 50

export interface ConnectedClient {
  readonly id: string
  readonly address: string
  readonly name: string
  readonly user: string
  /** Seconds. */
  readonly age: number
  readonly idle: number
  /** The command that it sent last, without arguments. */
  readonly command: string
}

/** CLIENT LIST of the server that answers. */
export const clientsOf = (client: ValkeyClientShape): Effect.Effect<ReadonlyArray<ConnectedClient>, CommandError> =>
  Effect.map(client.send("CLIENT", ["LIST"]), (reply) =>
    shown(reply)
      .split("\n")
      .filter((line) => line !== "")
      .slice(0, most)
      .map((line) => {
        const facts = new Map(
          line.split(" ").map((fact) => [fact.slice(0, fact.indexOf("=")), fact.slice(fact.indexOf("=") + 1)])
        )
        return {
          id: facts.get("id") ?? "?",
          address: facts.get("addr") ?? "?",
          name: facts.get("name") ?? "",
          user: facts.get("user") ?? "",
          age: Number(facts.get("age")),
          idle: Number(facts.get("idle")),
          command: facts.get("cmd") ?? "?"
        }
      })
  )

export interface SlowCommand {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly took: Duration.Duration
  readonly command: string
  /** How many arguments it had. */
  readonly size: number
  readonly client: string
}

/** The slow log of the server that answers, the last first. */
export const slowCommandsOf = (client: ValkeyClientShape): Effect.Effect<ReadonlyArray<SlowCommand>, CommandError> =>
  Effect.map(client.slowLog({ limit: most }), (servers) =>
    [...servers.values()].flat().map(({ at, client, clientName, command: [name = "", ...args], duration }) => ({
      at,
      took: duration,
      command: name.toUpperCase(),
      size: args.length,
      client: clientName || client
    }))
  )
