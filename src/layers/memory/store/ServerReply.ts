/** The server's error replies, word for word. */

import { replyCode } from "../../../schema/failures.ts"

/** Thrown by a command to answer with an error. */
export class ServerReply extends Error {
  override readonly name = "ServerReply"

  /** The reply's first word. */
  get code(): string {
    return replyCode(this.message)
  }
}

/** Thrown where a real server could do something that this store cannot. */
export class NotInMemory extends Error {
  override readonly name = "NotInMemory"
}

export const wrongArguments = (command: string) =>
  new ServerReply(`ERR wrong number of arguments for '${command.toLowerCase()}' command`)
export const unknownSubcommand = (subcommand: string, command: string) =>
  new ServerReply(`ERR unknown subcommand or wrong number of arguments for '${subcommand}'. Try ${command} HELP.`)
export const syntaxError = () => new ServerReply("ERR syntax error")
export const notAnInteger = () => new ServerReply("ERR value is not an integer or out of range")
export const invalidExpireTime = (command: string) =>
  new ServerReply(`ERR invalid expire time in '${command.toLowerCase()}' command`)
export const noSuchKey = () => new ServerReply("ERR no such key")
export const noSuchGroup = (group: string, key: string) =>
  new ServerReply(`NOGROUP No such consumer group '${group}' for key name '${key}'`)
