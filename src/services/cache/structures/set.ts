/** The operations of a set. */
import { Effect, Exit, Option } from "effect"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { Part } from "../../../schema/place.ts"
import type { CacheSet, SetDestinationOptions } from "../../operations/structures/CacheSet.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import { countAll } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { valueOf } from "../kernel/entry.ts"
import { memberPattern } from "./memberPattern.ts"
import { decodeMembers, encodeMembers, lastPage, type PageReader, scanPage, scanPages } from "./members.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import * as replies from "../kernel/replies.ts"

/** What encryption binds its members to, besides the key. */
const part: Part = { kind: "set", name: "" }

export const makeSet = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: KeyOptions = {}
): CacheSet<A, RD, RE> => {
  const { client, codec, finalKey, readOptions } = context

  const run = context.structure("unorderedSet", key, keyOptions)

  const entryOf = (operation: string, final: string): EntryName => ({ operation, key, final, part })

  const encoded = (operation: string, final: string, members: Iterable<A>) =>
    encodeMembers(context, entryOf(operation, final), members)

  /** In as many commands as it takes, in one write. */
  const count = (name: string, command: string, members: ReadonlyArray<A>) =>
    run(name, 0, (operation, final) =>
      Effect.flatMap(encoded(operation, final, members), (all) =>
        countAll(
          client,
          operation,
          command,
          [final],
          all.map((member) => [member])
        )
      )
    )

  const list = (operation: string, final: string, command: string, args: ReadonlyArray<string | number>) =>
    client.request(
      command,
      args,
      (reply: Reply) => decodeMembers(context, entryOf(operation, final), reply),
      readOptions
    )

  const one = (name: string, command: string) =>
    run(name, Option.none<A>(), (operation, final) =>
      client.request(command, [final], valueOf(codec, entryOf(operation, final)), readOptions)
    )

  const finals = (operation: string, keys: ReadonlyArray<string>) =>
    Effect.forEach(keys, (other) => finalKey(operation, other, keyOptions))

  const combined =
    (name: string, command: string) =>
    (...others: ReadonlyArray<string>) =>
      run(name, [] as ReadonlyArray<A>, (operation, final) =>
        Effect.flatMap(finals(operation, others), (all) => list(operation, final, command, [final, ...all]))
      )

  const stored =
    (name: string, command: string) =>
    (
      destination: string,
      others: ReadonlyArray<string>,
      { version = keyOptions.version }: SetDestinationOptions = {}
    ) =>
      run(name, 0, (operation, final) =>
        Effect.flatMap(finalKey(operation, destination, { version }), (target) =>
          Effect.flatMap(finals(operation, others), (all) =>
            context.writing(target, client.request(command, [target, final, ...all], replies.integer(operation)))
          )
        )
      )

  const reader =
    (pattern = "*", count = 1000) =>
    (operation: string): Exit.Exit<PageReader<A, RD>, CacheInputError> =>
      Exit.map(memberPattern(operation, codec, pattern), ({ matches, words }) => ({
        words: [...words, "COUNT", count],
        decode: ({ final }, page) =>
          decodeMembers(context, entryOf(operation, final), Array.isArray(page) ? page.filter(matches) : page)
      }))

  return {
    add: (...members) => count("add", "SADD", members),
    remove: (...members) => count("remove", "SREM", members),
    has: (member) =>
      run("has", false, (operation, final) =>
        Effect.flatMap(encoded(operation, final, [member]), ([id = ""]) =>
          client.request("SISMEMBER", [final, id], replies.flag(operation))
        )
      ),
    hasMany: (members) =>
      run("hasMany", [] as ReadonlyArray<boolean>, (operation, final) =>
        Effect.flatMap(encoded(operation, final, members), (ids) =>
          ids.length === 0
            ? Effect.succeed([])
            : client.request("SMISMEMBER", [final, ...ids], replies.flags(operation, ids.length))
        )
      ),
    members: run("members", [] as ReadonlyArray<A>, (operation, final) => list(operation, final, "SMEMBERS", [final])),
    size: run("size", 0, (operation, final) => client.request("SCARD", [final], replies.integer(operation))),
    pop: one("pop", "SPOP"),
    popMany: (amount) =>
      run("popMany", [] as ReadonlyArray<A>, (operation, final) =>
        Effect.flatMap(wholeNumber(operation, "count", amount, 0), () =>
          list(operation, final, "SPOP", [final, amount])
        )
      ),
    random: one("random", "SRANDMEMBER"),
    randomMany: (amount) =>
      run("randomMany", [] as ReadonlyArray<A>, (operation, final) =>
        Effect.flatMap(wholeNumber(operation, "count", amount), () =>
          list(operation, final, "SRANDMEMBER", [final, amount])
        )
      ),
    moveTo: (destination, member, { version = keyOptions.version } = {}) =>
      run("moveTo", false, (operation, final) =>
        Effect.flatMap(finalKey(operation, destination, { version }), (target) =>
          Effect.flatMap(encoded(operation, final, [member]), ([id = ""]) =>
            client.request("SMOVE", [final, target, id], replies.flag(operation))
          )
        )
      ),
    union: combined("union", "SUNION"),
    intersection: combined("intersection", "SINTER"),
    difference: combined("difference", "SDIFF"),
    storeUnion: stored("storeUnion", "SUNIONSTORE"),
    storeIntersection: stored("storeIntersection", "SINTERSTORE"),
    storeDifference: stored("storeDifference", "SDIFFSTORE"),
    scan: (pattern, { count } = {}) =>
      scanPages(context, "SSCAN", "unorderedSet.scan", key, keyOptions, reader(pattern, count)),
    scanPage: (pattern, { count, cursor } = {}) =>
      run("scanPage", lastPage, (operation, final) =>
        scanPage(context, "SSCAN", { operation, key, final }, reader(pattern, count), cursor)
      )
  }
}
