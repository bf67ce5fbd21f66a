/** INFO as maps. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { protocolError } from "../../schema/failures.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

export const makeInfo =
  (node: () => string | undefined, send: ValkeyClientShape["send"]): ValkeyClientShape["info"] =>
  (section) =>
    Effect.flatMap(send("INFO", section === undefined ? [] : [section]), (reply) =>
      typeof reply === "string"
        ? Exit.succeed(new Map([[node() ?? "", parseInfo(reply)]]))
        : Exit.fail<CommandError>(protocolError("INFO", node()))
    )

/** The fields of all sections. */
const parseInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split("\r\n")
      .filter((line) => line.includes(":") && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)])
  )
