/** SLOWLOG GET as records. */
import { Duration, Effect, Exit } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Reply } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { SlowCommand, ValkeyClientShape } from "../../services/ValkeyClient.ts"

export const makeSlowLog =
  (node: () => string | undefined, send: ValkeyClientShape["send"]): ValkeyClientShape["slowLog"] =>
  ({ limit = 10 } = {}) =>
    Number.isSafeInteger(limit) && limit > 0
      ? Effect.flatMap(send("SLOWLOG", ["GET", limit]), (reply) => {
          const commands = Array.isArray(reply) ? reply.map(slowCommand) : [undefined]
          return commands.every((command) => command !== undefined)
            ? Exit.succeed(new Map([[node() ?? "", commands]]))
            : Exit.fail<CommandError>(protocolError("SLOWLOG", node()))
        })
      : refused("SLOWLOG", "limit must be a whole number above zero")

const slowCommand = (entry: Reply): SlowCommand | undefined => {
  if (!Array.isArray(entry)) return undefined
  const [id, seconds, micros, command, client = "", clientName = ""]: ReadonlyArray<Reply> = entry
  if (typeof id !== "number" || typeof seconds !== "number" || typeof micros !== "number") return undefined
  if (!Array.isArray(command) || typeof client !== "string" || typeof clientName !== "string") return undefined
  return {
    id,
    at: seconds * 1000,
    duration: Duration.micros(BigInt(micros)),
    command: command.map(String),
    client,
    clientName
  }
}
