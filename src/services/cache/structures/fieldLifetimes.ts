/** Lifetimes of the fields of a hash, where the server knows them. */
import { Duration, Effect, Exit } from "effect"
import {
  type CacheError,
  type CommandError,
  CacheUnsupportedError,
  type ValueError
} from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import type { CacheHash } from "../../operations/structures/CacheHash.ts"
import { entriesIn } from "../kernel/batches.ts"
import type { CacheContext, StructureOperation } from "../kernel/context.ts"
import * as replies from "../kernel/replies.ts"
import type { HashFields } from "./hashFields.ts"

type FieldLifetimes<A, RD, RE> = Pick<
  CacheHash<A, RD, RE>,
  "expireFields" | "persistFields" | "fieldTtls" | "getAndTouch" | "setExpiring"
>

export const fieldLifetimes = <A, RD, RE>(
  { client, lifetime, readOptions }: CacheContext<A, RD, RE>,
  run: StructureOperation,
  { encodedPairs, fieldsOf, valuesOf }: HashFields<A, RD, RE>
): FieldLifetimes<A, RD, RE> => {
  const { topology } = client

  /** Older servers do not know the command. */
  const known = <B, E extends CacheError, R>(operation: string, effect: Effect.Effect<B, E | CommandError, R>) =>
    Effect.catchTag(effect, "CacheServerError", (error) =>
      Effect.fail(
        error.reply.startsWith("ERR unknown command")
          ? new CacheUnsupportedError({ operation, topology, reason: "lifetimes of fields need Valkey 9 or later" })
          : error
      )
    )

  /** What a command says of each field. */
  const told = (
    operation: string,
    command: string,
    words: ReadonlyArray<string | number>,
    fields: ReadonlyArray<string>
  ) =>
    known(
      operation,
      client.request(command, [...words, "FIELDS", fields.length, ...fields], (reply) => {
        const answers = replies.integers(operation)(reply)
        return Exit.isSuccess(answers) && answers.value.length !== fields.length
          ? replies.unexpected(operation)
          : answers
      })
    )

  return {
    expireFields: (fields, timeToLive) =>
      run("expireFields", 0, (operation, final) =>
        Effect.flatMapEager(fieldsOf(operation, fields), (all) =>
          Effect.flatMapEager(lifetime(operation, timeToLive), (millis) => {
            if (all.length === 0) return Effect.succeed(0)
            const answers =
              millis === Infinity
                ? told(operation, "HPERSIST", [final], all)
                : told(operation, "HPEXPIRE", [final, millis], all)
            return Effect.map(answers, (answers) => answers.filter((answer) => answer !== noField).length)
          })
        )
      ),
    persistFields: (fields) =>
      run("persistFields", 0, (operation, final) =>
        Effect.flatMapEager(fieldsOf(operation, fields), (all) =>
          all.length === 0
            ? Effect.succeed(0)
            : Effect.map(
                told(operation, "HPERSIST", [final], all),
                (answers) => answers.filter((answer) => answer === 1).length
              )
        )
      ),
    fieldTtls: (fields) =>
      run("fieldTtls", new Map<string, Duration.Duration>(), (operation, final) =>
        Effect.flatMapEager(fieldsOf(operation, fields), (all) =>
          all.length === 0
            ? Effect.succeed(new Map<string, Duration.Duration>())
            : Effect.map(told(operation, "HPTTL", [final], all), (answers) => lifetimesIn(all, answers))
        )
      ),
    getAndTouch: (fields, timeToLive) =>
      run("getAndTouch", new Map<string, A>(), (operation, final) =>
        Effect.flatMapEager(fieldsOf(operation, fields), (all) =>
          Effect.flatMapEager(lifetime(operation, timeToLive), (millis) => {
            if (all.length === 0) return Effect.succeed(new Map<string, A>())
            const end = millis === Infinity ? ["PERSIST"] : ["PX", millis]
            return known(
              operation,
              client.request(
                "HGETEX",
                [final, ...end, "FIELDS", all.length, ...all],
                (reply): Effect.Effect<Map<string, A>, ValueError, RD> => valuesOf(operation, final, all, reply),
                readOptions
              )
            )
          })
        )
      ),
    setExpiring: (fields, timeToLive, { when } = {}) =>
      run("setExpiring", false, (operation, final) =>
        Effect.flatMapEager(encodedPairs(operation, final, entriesIn(fields)), (pairs) =>
          Effect.flatMapEager(lifetime(operation, timeToLive), (millis) => {
            if (pairs.length === 0) return refused(operation, "give at least one field")
            if (when !== undefined && when !== "absent" && when !== "present") {
              return refused(operation, "when must be absent or present")
            }
            const condition = when === undefined ? [] : [conditions[when]]
            const end = millis === Infinity ? [] : ["PX", millis]
            return known(
              operation,
              client.request(
                "HSETEX",
                [final, ...condition, ...end, "FIELDS", pairs.length, ...pairs.flat()],
                replies.flag(operation)
              )
            )
          })
        )
      )
  }
}

const conditions = { absent: "FNX", present: "FXX" } as const

const noField = -2

const lifetimesIn = (fields: ReadonlyArray<string>, answers: ReadonlyArray<number>): Map<string, Duration.Duration> => {
  const found = new Map<string, Duration.Duration>()
  for (const [i, field] of fields.entries()) {
    const millis = answers[i] ?? noField
    if (millis !== noField) found.set(field, millis < 0 ? Duration.infinity : Duration.millis(millis))
  }
  return found
}
