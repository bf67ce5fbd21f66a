/** Reads the values of many keys. */
import { Effect, Exit } from "effect"
import type { CommandError, CacheInputError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import { sendAll, split } from "./batches.ts"
import type { CacheContext } from "./context.ts"
import * as replies from "./replies.ts"
import type { ValueSize } from "./ValueSize.ts"

/** Commands of up to 1 000 keys that go out in one write; the next write waits for their replies. */
const commandsPerWrite = 10

export const windows = <A>(parts: ReadonlyArray<A>): Array<Array<A>> => split(parts, () => 0, commandsPerWrite)

export const finalLength = ({ final }: EntryName): number => final.length

/** All keys, each once, or the first that is refused. */
export const entriesOf = (
  { finalKey }: Pick<CacheContext<never, never, never>, "finalKey">,
  operation: string,
  keys: Iterable<string>,
  options?: KeyOptions
): Exit.Exit<ReadonlyArray<EntryName>, CacheInputError> => {
  const entries: Array<EntryName> = []
  const isOwn = options?.version === undefined
  for (const key of new Set(keys)) {
    const final = finalKey(operation, key, options)
    if (!Exit.isSuccess(final)) return Exit.failCause(final.cause)
    entries.push({ operation, key, final: final.value, isOwn })
  }
  return Exit.succeed(entries)
}

/** The entries that hold something, in order, and what they hold. */
export interface Hits {
  readonly entries: Array<EntryName>
  readonly stored: Array<Stored>
}

export const readMany = <A, RD, RE>(
  { client, codec }: CacheContext<A, RD, RE>,
  valueSize: ValueSize,
  entries: ReadonlyArray<EntryName>
): Effect.Effect<Hits, CommandError> =>
  Effect.suspend(() => {
    const hits: Hits = { entries: [], stored: [] }
    const parts = split(entries, finalLength, valueSize.perReply)
    const readWindow = (window: ReadonlyArray<ReadonlyArray<EntryName>>): Effect.Effect<Hits, CommandError> =>
      Effect.flatMap(
        sendAll(
          client,
          window.map((part) => ({ name: "MGET", args: part.map(({ final }) => final), reply: codec.reply }))
        ),
        (repliesOfParts) => collect(window, repliesOfParts, hits, valueSize)
      )
    if (parts.length === 0) return Exit.succeed(hits)
    if (parts.length <= commandsPerWrite) return readWindow(parts)
    return Effect.as(Effect.forEach(windows(parts), readWindow, { discard: true }), hits)
  })

const collect = (
  parts: ReadonlyArray<ReadonlyArray<EntryName>>,
  repliesOfParts: ReadonlyArray<Reply>,
  hits: Hits,
  valueSize: ValueSize
): Exit.Exit<Hits, CommandError> => {
  const before = hits.entries.length
  let bytes = 0
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    const values = repliesOfParts[i]
    if (!Array.isArray(values) || values.length !== part.length) return replies.unexpected("getMany")
    for (let j = 0; j < part.length; j++) {
      const value: Reply = values[j]
      if (value === null) continue
      if (typeof value !== "string" && !Buffer.isBuffer(value)) return replies.unexpected("getMany")
      hits.entries.push(part[j]!)
      hits.stored.push(value)
      bytes += value.length
    }
  }
  valueSize.observe(hits.entries.length - before, bytes)
  return Exit.succeed(hits)
}
