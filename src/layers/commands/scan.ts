/** SCAN as a stream. */
import { Effect, Option, Stream } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Arg, Reply } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { ScanOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"

const defaultCount = 1000

export const scanWith =
  (send: ValkeyClientShape["send"]): ValkeyClientShape["scan"] =>
  (options = {}) => {
    if (options.count !== undefined && !(Number.isSafeInteger(options.count) && options.count > 0)) {
      return Stream.fromEffect(refused("SCAN", "count must be a whole number above zero"))
    }
    const rest = scanArguments(options)
    return Stream.paginate("0", (cursor) =>
      Effect.flatMap(send("SCAN", [cursor, ...rest]), (reply) =>
        isPage(reply)
          ? Effect.succeed([reply[1], reply[0] === "0" ? Option.none<string>() : Option.some(reply[0])] as const)
          : Effect.fail<CacheError>(protocolError("SCAN"))
      )
    )
  }

const scanArguments = ({ match, count = defaultCount, type }: ScanOptions): ReadonlyArray<Arg> => [
  ...(match === undefined ? [] : ["MATCH", match]),
  "COUNT",
  count,
  ...(type === undefined ? [] : ["TYPE", type])
]

const isPage = (reply: Reply): reply is readonly [string, ReadonlyArray<string>] =>
  Array.isArray(reply) &&
  typeof reply[0] === "string" &&
  Array.isArray(reply[1]) &&
  reply[1].every((key: Reply) => typeof key === "string")
