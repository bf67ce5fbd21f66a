/** SCAN as a stream. */
import { isUtf8 } from "node:buffer"
import { Effect, Option, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Arg, Reply } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { ScanOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"

const defaultCount = 1000

type Scans = Pick<ValkeyClientShape, "scan" | "scanBinary">

/** Both kinds of scans, by the one that leaves nothing out. */
export const scansOf = (scanBinary: Scans["scanBinary"]): Scans => ({
  scanBinary,
  scan: (options) => Stream.filter(scanBinary(options), (key) => typeof key === "string")
})

export const scanWith =
  (send: ValkeyClientShape["send"]): Scans["scanBinary"] =>
  (options = {}) => {
    if (options.count !== undefined && !(Number.isSafeInteger(options.count) && options.count > 0)) {
      return Stream.fromEffect(refused("SCAN", "count must be a whole number above zero"))
    }
    const rest = scanArguments(options)
    return Stream.paginate("0", (cursor) =>
      Effect.flatMap(send("SCAN", [cursor, ...rest], { reply: "buffer" }), (reply) => {
        if (!isPage(reply)) return Effect.fail<CommandError>(protocolError("SCAN"))
        const [next, keys] = [String(reply[0]), reply[1].map(keyOf)]
        return Effect.succeed([keys, next === "0" ? Option.none<string>() : Option.some(next)] as const)
      })
    )
  }

const scanArguments = ({ match, count = defaultCount, type }: ScanOptions): ReadonlyArray<Arg> => [
  ...(match === undefined ? [] : ["MATCH", match]),
  "COUNT",
  count,
  ...(type === undefined ? [] : ["TYPE", type])
]

/** Text where it is, else bytes. */
const keyOf = (key: string | Buffer): string | Buffer => {
  const text = key.toString()
  // What is no text is read as U+FFFD, which a text may also have.
  return typeof key === "string" || !text.includes("\ufffd") || isUtf8(key) ? text : key
}

const isPage = (reply: Reply): reply is readonly [string | Buffer, ReadonlyArray<string | Buffer>] =>
  Array.isArray(reply) && isBulk(reply[0]) && Array.isArray(reply[1]) && reply[1].every(isBulk)

const isBulk = (item: Reply): boolean => typeof item === "string" || Buffer.isBuffer(item)
