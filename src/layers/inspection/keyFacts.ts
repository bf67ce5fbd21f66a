/** The facts about keys in a list. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { isKeyType, type Reply } from "../../schema/Command.ts"
import { isFramed, readHeader } from "../../schema/frame.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { sizeCommand } from "./elements.ts"
import { command, replyOf } from "./replies.ts"

/** A fact is undefined if the server refuses to tell it. */
export interface KeyFacts {
  readonly type: string | undefined
  /** Milliseconds; −1 = for ever. */
  readonly pttl: number | undefined
  /** Bytes of a string; elements of everything else. */
  readonly size: number | undefined
  /** The format in the header of a value; empty without a header. */
  readonly format: string
}

/** Bytes that are read of a value to tell its format. */
const headBytes = 256

const numberOf = (reply: Reply | undefined): number | undefined => (typeof reply === "number" ? reply : undefined)

/** The facts about each key, in the order of `keys`; undefined for a key that no longer exists. Two round trips. */
export const keyFactsOf = (
  client: ValkeyClientShape,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<KeyFacts | undefined>, CommandError> =>
  Effect.gen(function* () {
    if (keys.length === 0) return []
    const first = yield* client.pipeline(keys.flatMap((key) => [command("TYPE", key), command("PTTL", key)]))
    const types = keys.map((_, at) => {
      const type = replyOf(first[2 * at])
      return type === undefined ? undefined : String(type)
    })
    const second = yield* client.pipeline(
      keys.flatMap((key, at) => {
        const type = types[at] ?? ""
        const size = isKeyType(type) ? command(sizeCommand(type), key) : command("EXISTS", key)
        const head = type === "string" ? command("GETRANGE", key, 0, headBytes - 1) : command("EXISTS", key)
        return [size, head]
      })
    )
    return keys.map((_, at) => {
      const type = types[at]
      const pttl = numberOf(replyOf(first[2 * at + 1]))
      if (type === "none" || pttl === -2) return undefined
      const isKnown = isKeyType(type ?? "")
      return {
        type,
        pttl,
        size: isKnown ? numberOf(replyOf(second[2 * at])) : undefined,
        format: type === "string" ? formatIn(replyOf(second[2 * at + 1])) : ""
      }
    })
  })

const formatIn = (head: Reply | undefined): string => {
  if (!Buffer.isBuffer(head) || !isFramed(head)) return ""
  const end = head.indexOf("\n")
  try {
    // A header that is longer has tags; the format stands before them.
    const { format } = readHeader(
      end < 0 ? Buffer.concat([head.subarray(0, Math.max(0, head.indexOf("~"))), lineFeed]) : head
    )
    return format === "" ? "claim" : format
  } catch {
    return ""
  }
}

const lineFeed = Buffer.from("\n")
