/** Runs scripts: keys are prefixed, arguments encoded, the result decoded. */
import { Effect, Exit, Option, Schema } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Arg } from "../../../schema/Command.ts"
import { bySchema } from "../../../schema/codecFailures.ts"
import { refused } from "../../../schema/failures.ts"
import { keyRefusal } from "../../../schema/key.ts"
import type { CacheScripts } from "../../operations/CacheScripts.ts"
import type { CacheContext } from "../kernel/context.ts"

export const scriptOperation = <A, RD, RE>({ client, finalKey, guard }: CacheContext<A, RD, RE>): CacheScripts => ({
  script: ({ args, keys, prefix, result, script }, input) => {
    const operation = `script.${script.name}`
    const named = { operation, key: undefined }

    const finalKeys = Effect.forEach(keys, (name): Exit.Exit<string, CommandError> => {
      const key: string = input.keys[name]
      if (prefix) return finalKey(operation, key, input)
      const reason = keyRefusal(key)
      return reason === undefined ? Exit.succeed(key) : refused(operation, reason)
    })
    const encoded = Effect.forEach(Object.entries(args), ([name, schema]) =>
      bySchema(named, "encode", schema.ast, () => Schema.encodeEffect(schema)(input.args[name]))
    )
    const run = Effect.flatMap(finalKeys, (keys) =>
      Effect.flatMap(encoded, (args: ReadonlyArray<Arg>) =>
        Effect.flatMap(client.eval(script, keys, args), (reply) =>
          bySchema(named, "decode", result.ast, () => Schema.decodeUnknownEffect(result)(reply))
        )
      )
    )
    // What a script does nobody else can pretend.
    return guard({ name: operation, key: undefined, neutral: Option.none() }, run)
  }
})
