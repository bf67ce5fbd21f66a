/** The operations of a hash. */
import { Effect, Exit, Option } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { CacheHash } from "../../operations/structures/CacheHash.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import { countAll, entriesIn } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { incrFieldScript } from "./hashScripts.ts"
import { valueOf } from "../kernel/entry.ts"
import { fieldLifetimes } from "./fieldLifetimes.ts"
import { hashFields } from "./hashFields.ts"
import { lastPage, type PageReader, scanPage, scanPages } from "./members.ts"
import { hitOrMiss } from "../kernel/declare.ts"
import * as replies from "../kernel/replies.ts"

export const makeHash = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: KeyOptions = {}
): CacheHash<A, RD, RE> => {
  const { client, codec, readOptions } = context

  const run = context.structure("hash", key, keyOptions)

  const names = hashFields(context, key)
  const { encodedPairs, entryOf, fieldOf, fieldsOf, valuesOf } = names

  const whole = (operation: string, final: string) =>
    client.request("HGETALL", [final], (reply) => pairsIn(operation, final, reply), readOptions)

  /** Fields and values in turn. */
  const pairsIn = (
    operation: string,
    final: string,
    reply: Reply | undefined
  ): Effect.Effect<Map<string, A>, ValueError, RD> => {
    if (!Array.isArray(reply) || reply.length % 2 !== 0) return replies.unexpected(operation)
    const fields = reply.filter((_, i) => i % 2 === 0).map(String)
    return valuesOf(
      operation,
      final,
      fields,
      reply.filter((_, i) => i % 2 === 1)
    )
  }

  const put = (name: string, command: "HSET" | "HSETNX", field: string, value: A) =>
    run(name, false, (operation, final) =>
      Effect.flatMapEager(fieldOf(operation, field), () =>
        Effect.flatMapEager(codec.encode(entryOf(operation, final, field), value), (encoded) =>
          client.request(command, [final, field, encoded], replies.flag(operation))
        )
      )
    )

  const reader =
    (pattern = "*", count = 1000) =>
    (): Exit.Exit<PageReader<readonly [string, A], RD>> =>
      Exit.succeed({
        words: ["MATCH", pattern, "COUNT", count],
        decode: ({ final, operation }, page) => Effect.map(pairsIn(operation, final, page), (found) => [...found])
      })

  return {
    set: (field, value) => put("set", "HSET", field, value),
    setIfAbsent: (field, value) => put("setIfAbsent", "HSETNX", field, value),
    setMany: (fields) =>
      run("setMany", 0, (operation, final) =>
        Effect.flatMap(encodedPairs(operation, final, entriesIn(fields)), (pairs) =>
          countAll(client, operation, "HSET", [final], pairs)
        )
      ),
    get: (field) =>
      run(
        "get",
        Option.none<A>(),
        (operation, final) =>
          Effect.flatMapEager(fieldOf(operation, field), () =>
            client.request("HGET", [final, field], valueOf(codec, entryOf(operation, final, field)), readOptions)
          ),
        hitOrMiss
      ),
    getMany: (fields) =>
      run("getMany", new Map<string, A>(), (operation, final) =>
        Effect.flatMapEager(fieldsOf(operation, fields), (all) => {
          if (all.length === 0) return Effect.succeed(new Map<string, A>())
          return client.request(
            "HMGET",
            [final, ...all],
            (reply) => valuesOf(operation, final, all, reply),
            readOptions
          )
        })
      ),
    getAll: run("getAll", new Map<string, A>(), whole),
    values: run("values", [] as ReadonlyArray<A>, (operation, final) =>
      Effect.map(whole(operation, final), (found) => [...found.values()])
    ),
    fields: run("fields", [] as ReadonlyArray<string>, (operation, final) =>
      client.request("HKEYS", [final], replies.texts(operation))
    ),
    delete: (...fields) =>
      run("delete", 0, (operation, final) =>
        Effect.flatMapEager(fieldsOf(operation, fields), (all) =>
          countAll(
            client,
            operation,
            "HDEL",
            [final],
            all.map((field) => [field])
          )
        )
      ),
    has: (field) =>
      run("has", false, (operation, final) =>
        Effect.flatMapEager(fieldOf(operation, field), () =>
          client.request("HEXISTS", [final, field], replies.flag(operation))
        )
      ),
    size: run("size", 0, (operation, final) => client.request("HLEN", [final], replies.integer(operation))),
    incr: (field, delta = 1) =>
      run("incr", 0, (operation, final) =>
        Effect.flatMapEager(fieldOf(operation, field), () =>
          Number.isSafeInteger(delta)
            ? Effect.flatMap(client.eval(incrFieldScript, [final], [field, delta]), replies.integer(operation))
            : refused(operation, "delta must be a safe integer")
        )
      ),
    incrFloat: (field, delta) =>
      run("incrFloat", 0, (operation, final) =>
        Effect.flatMapEager(fieldOf(operation, field), () =>
          Number.isFinite(delta)
            ? client.request("HINCRBYFLOAT", [final, field, String(delta)], replies.finite(operation))
            : refused(operation, "delta must be a finite number")
        )
      ),
    scan: (pattern, { count } = {}) =>
      scanPages(context, "HSCAN", "hash.scan", key, keyOptions, reader(pattern, count)),
    scanPage: (pattern, { count, cursor } = {}) =>
      run("scanPage", lastPage, (operation, final) =>
        scanPage(context, "HSCAN", { operation, key, final }, reader(pattern, count), cursor)
      ),
    ...fieldLifetimes(context, run, names)
  }
}
