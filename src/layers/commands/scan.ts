/** SCAN as a stream. */
import { isUtf8 } from "node:buffer"
import { Effect, Option, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Arg, Reply } from "../../schema/Command.ts"
import { isOutage, protocolError, refused } from "../../schema/failures.ts"
import { Iteration } from "../../schema/Iteration.ts"
import type { ScanPageOptions, SendOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"

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
    if (!isCount(options.count)) return Stream.fromEffect(badCount)
    return Stream.suspend(() => {
      const iteration = new Iteration()
      return Stream.paginate("0", (cursor) => pageAt(send, cursor, options, iteration.at(cursor)))
    })
  }

const isCount = (count: number | undefined): boolean =>
  count === undefined || (Number.isSafeInteger(count) && count > 0)
const badCount = refused("SCAN", "count must be a whole number above zero")

const pageAt = (
  send: ValkeyClientShape["send"],
  cursor: string,
  options: ScanPageOptions,
  sendIf?: SendOptions["sendIf"]
) =>
  Effect.flatMap(send("SCAN", [cursor, ...scanArguments(options)], { reply: "buffer", sendIf }), (reply) => {
    if (!isPage(reply)) return Effect.fail<CommandError>(protocolError("SCAN"))
    const [next, keys] = [String(reply[0]), reply[1].map(keyOf)]
    return Effect.succeed([keys, next === "0" ? Option.none<string>() : Option.some(next)] as const)
  })

/** Why a cursor is refused that a caller has made up, or had of another client. */
export const foreignCursor = refused("SCAN", "the cursor must be one that this client has returned")

/** One page of one server, whose own cursors are numbers. */
export const scanPageWith =
  (send: ValkeyClientShape["send"]): ValkeyClientShape["scanPage"] =>
  (cursor = "0", options = {}) => {
    if (!isCount(options.count)) return badCount
    if (!/^\d{1,20}$/.test(cursor)) return foreignCursor
    return Effect.map(pageAt(send, cursor, options), ([keys, next]) => ({
      keys: keys.filter((key) => typeof key === "string"),
      next: Option.getOrUndefined(next)
    }))
  }

/**
 * The pages of several servers, one server after the other in the order of their names. The cursor names the server, so that
 * whoever has it needs nothing else: where that server has left, the next one is asked.
 */
export const scanPagesOver =
  (
    servers: Effect.Effect<ReadonlyArray<string>, CommandError>,
    pagesOf: (server: string) => ValkeyClientShape["scanPage"]
  ): ValkeyClientShape["scanPage"] =>
  (cursor, options) => {
    const [, name = "", at = ""] = /^(.*)\/([^/]*)$/s.exec(cursor ?? "/") ?? []
    if (cursor !== undefined && name === "") return foreignCursor
    return Effect.flatMap(servers, (servers) => {
      const names = servers.toSorted()
      const server = names.find((one) => one >= name)
      if (server === undefined) return Effect.succeed({ keys: [], next: undefined })
      const place = server === name && at !== "" ? at : undefined
      const following = names.find((one) => one > server)
      const after = following === undefined ? undefined : `${following}/`
      const page = Effect.map(pagesOf(server)(place, options), ({ keys, next }) => ({
        keys,
        next: next === undefined ? after : `${server}/${next}`
      }))
      return options?.whenUnreachable === "passOver"
        ? Effect.catchIf(page, isOutage, () => Effect.succeed({ keys: [], next: after, unreachable: server }))
        : page
    })
  }

const scanArguments = ({ match, count = defaultCount, type }: ScanPageOptions): ReadonlyArray<Arg> => [
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
