/** What structures have in common: how their parts are encoded, decoded, and come page by page. */
import { Effect, type Exit, Option, Stream } from "effect"
import type { CacheInputError, ValueError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import { Iteration } from "../../../schema/Iteration.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { SendOptions } from "../../ValkeyClient.ts"
import type { StructurePage } from "../../operations/structures/StructurePage.ts"
import { valueOf } from "../kernel/entry.ts"
import { pagesUnderPolicy } from "../kernel/pagesUnderPolicy.ts"
import * as replies from "../kernel/replies.ts"

/** Members as they are stored: the server finds a member again by its bytes. */
export const encodeMembers = <A, RD, RE>(
  { codec }: CacheContext<A, RD, RE>,
  entry: EntryName,
  members: Iterable<A>
): Effect.Effect<ReadonlyArray<Stored>, ValueError, RE> =>
  codec.rebind === undefined
    ? Effect.forEach(members, (member) => codec.encode(entry, member))
    : refused(
        entry.operation,
        "members cannot be encrypted, because equal members would get different bytes: use a cache without a cipher"
      )

/** Decodes a reply that is a list of members. */
export const decodeMembers = <A, RD, RE>(
  { codec }: CacheContext<A, RD, RE>,
  entry: EntryName,
  reply: Reply | undefined
): Effect.Effect<ReadonlyArray<A>, ValueError, RD> => {
  if (!Array.isArray(reply)) return replies.unexpected(entry.operation)
  return Effect.map(Effect.forEach(reply, valueOf(codec, entry)), (members) =>
    members.filter(Option.isSome).map(({ value }) => value)
  )
}

/** What a scan is asked for, and how a page of it is read. */
export interface PageReader<B, RD> {
  readonly words: ReadonlyArray<Arg>
  readonly decode: (entry: EntryName, page: Reply | undefined) => Effect.Effect<ReadonlyArray<B>, ValueError, RD>
}

/** One page of HSCAN, SSCAN or ZSCAN. */
const pageAt = <A, RD, RE, B>(
  { client, readOptions }: CacheContext<A, RD, RE>,
  command: string,
  entry: EntryName,
  { decode, words }: PageReader<B, RD>,
  cursor: string,
  sendIf?: SendOptions["sendIf"]
): Effect.Effect<readonly [ReadonlyArray<B>, Option.Option<string>], ValueError, RD> =>
  Effect.flatMap(
    client.send(
      command,
      [entry.final, cursor, ...words],
      sendIf === undefined ? readOptions : { ...readOptions, sendIf }
    ),
    (reply): Effect.Effect<readonly [ReadonlyArray<B>, Option.Option<string>], ValueError, RD> => {
      if (!Array.isArray(reply) || reply.length !== 2) return replies.unexpected(entry.operation)
      const next = String(reply[0])
      return Effect.map(decode(entry, reply[1]), (found) => [found, next === "0" ? Option.none() : Option.some(next)])
    }
  )

/** Streams what is on all pages. */
export const scanPages = <A, RD, RE, B>(
  context: CacheContext<A, RD, RE>,
  command: string,
  operation: string,
  key: string,
  keyOptions: KeyOptions,
  readerOf: (operation: string) => Exit.Exit<PageReader<B, RD>, CacheInputError>
): Stream.Stream<B, ValueError, RD> => {
  const { finalKey, policy } = context
  const pages: Stream.Stream<B, ValueError, RD> = Stream.unwrap(
    Effect.map(Effect.all([finalKey(operation, key, keyOptions), readerOf(operation)]), ([final, reader]) => {
      const iteration = new Iteration()
      return Stream.paginate("0", (cursor) =>
        pageAt(context, command, { operation, key, final }, reader, cursor, iteration.at(cursor))
      )
    })
  )
  return policy === undefined ? pages : pagesUnderPolicy(policy, operation, pages)
}

/** The page of an empty structure. */
export const lastPage: StructurePage<never> = { items: [], cursor: Option.none() }

/** The page of a cursor, which the server gave with the page before. */
export const scanPage = <A, RD, RE, B>(
  context: CacheContext<A, RD, RE>,
  command: string,
  entry: EntryName,
  readerOf: (operation: string) => Exit.Exit<PageReader<B, RD>, CacheInputError>,
  cursor = "0"
): Effect.Effect<StructurePage<B>, ValueError, RD> => {
  if (!/^\d{1,20}$/.test(cursor))
    return refused(entry.operation, "the cursor must be one that this operation has returned")
  return Effect.flatMapEager(readerOf(entry.operation), (reader) =>
    Effect.map(pageAt(context, command, entry, reader, cursor), ([items, cursor]) => ({ items, cursor }))
  )
}
