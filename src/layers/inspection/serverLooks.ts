/** Asks each server of a client about itself, even if others cannot be reached. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Arg, Reply } from "../../schema/Command.ts"
import { infoFields } from "../../schema/infoText.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { pairs, shown } from "./replies.ts"
import { settings } from "./rules.ts"

/** What each server answers, by "host:port"; empty in memory. */
export type Answers<A> = ReadonlyMap<string, Result.Result<A, CommandError>>

export type Fields = ReadonlyMap<string, string>

/** One command on each server. One round trip. */
export const askEach = <A>(
  client: ValkeyClientShape,
  name: string,
  args: ReadonlyArray<Arg>,
  read: (reply: Reply) => A
): Effect.Effect<Answers<A>, CommandError> =>
  Effect.map(
    client.sendToEach(name, args),
    (answers) => new Map([...answers].map(([server, answer]) => [server, Result.map(answer, read)]))
  )

/** INFO of each server. */
export const infosOf = (client: ValkeyClientShape): Effect.Effect<Answers<Fields>, CommandError> =>
  askEach(client, "INFO", [], (reply) => infoFields(shown(reply)))

/** The settings of each server that matter to a cache, by name. */
export const configsOf = (client: ValkeyClientShape): Effect.Effect<Answers<Fields>, CommandError> =>
  askEach(
    client,
    "CONFIG",
    ["GET", ...settings],
    (reply) => new Map(pairs(reply, (name, value) => [shown(name), shown(value)]))
  )

export interface ServerLook {
  readonly info: Result.Result<Fields, CommandError>
  /** Undefined if the server was not among those that were asked. */
  readonly config: Result.Result<Fields, CommandError> | undefined
}

export type ServerLooks = ReadonlyMap<string, ServerLook>

export const looksOf = (infos: Answers<Fields>, configs: Answers<Fields>): ServerLooks =>
  new Map([...infos].map(([server, info]) => [server, { info, config: configs.get(server) }]))

/** An INFO and a CONFIG GET of each server, together in one round trip. */
export const lookAtServers = (client: ValkeyClientShape): Effect.Effect<ServerLooks, CommandError> =>
  Effect.map(Effect.all([infosOf(client), configsOf(client)], { concurrency: "unbounded" }), ([infos, configs]) =>
    looksOf(infos, configs)
  )
