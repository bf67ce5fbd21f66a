/** What the operations of a hash share: names that are checked, values that are coded for their fields. */
import { Effect, Exit, Option } from "effect"
import type { CacheInputError, ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheContext } from "../kernel/context.ts"
import { fieldEntry, valueOf } from "../kernel/entry.ts"
import * as replies from "../kernel/replies.ts"

export interface HashFields<A, RD, RE> {
  readonly fieldOf: (operation: string, field: string) => Exit.Exit<string, CacheInputError>
  /** Each once. */
  readonly fieldsOf: (operation: string, fields: Iterable<string>) => Exit.Exit<ReadonlyArray<string>, CacheInputError>
  readonly entryOf: (operation: string, final: string, field: string) => EntryName
  /** Names and encoded values. */
  readonly encodedPairs: (
    operation: string,
    final: string,
    fields: Iterable<readonly [string, A]>
  ) => Effect.Effect<ReadonlyArray<readonly [string, Stored]>, ValueError, RE>
  /** Of a reply with one value or null for each field: those that are there. */
  readonly valuesOf: (
    operation: string,
    final: string,
    fields: ReadonlyArray<string>,
    reply: Reply
  ) => Effect.Effect<Map<string, A>, ValueError, RD>
}

export const hashFields = <A, RD, RE>(
  { codec }: Pick<CacheContext<A, RD, RE>, "codec">,
  key: string
): HashFields<A, RD, RE> => {
  const fieldOf: HashFields<A, RD, RE>["fieldOf"] = (operation, field) =>
    typeof field === "string" && field.isWellFormed()
      ? Exit.succeed(field)
      : refused(operation, "a field must be well-formed text")

  const entryOf: HashFields<A, RD, RE>["entryOf"] = (operation, final, field) =>
    fieldEntry({ operation, key, final }, "hash", field)

  return {
    fieldOf,
    entryOf,
    fieldsOf: (operation, fields) => {
      const all = [...new Set(fields)]
      for (const field of all) {
        const checked = fieldOf(operation, field)
        if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
      }
      return Exit.succeed(all)
    },
    encodedPairs: (operation, final, fields) =>
      Effect.forEach(fields, ([field, value]) =>
        Effect.flatMapEager(fieldOf(operation, field), () =>
          Effect.map(codec.encode(entryOf(operation, final, field), value), (encoded) => [field, encoded] as const)
        )
      ),
    valuesOf: (operation, final, fields, reply) => {
      if (!Array.isArray(reply) || reply.length !== fields.length) return replies.unexpected(operation)
      return Effect.map(
        Effect.forEach(fields, (field, i) => valueOf(codec, entryOf(operation, final, field))(reply[i] ?? null)),
        (values) => {
          const found = new Map<string, A>()
          for (const [i, field] of fields.entries()) {
            const value = values[i]
            if (value !== undefined && Option.isSome(value)) found.set(field, value.value)
          }
          return found
        }
      )
    }
  }
}
