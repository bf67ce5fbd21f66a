/** The memory that keys take. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

/** The bytes of each key, in the order of `keys`; 0 for a key that has expired or whose server cannot be reached. Fails with CacheServerError if the user may not run the command. One round trip. */
export const memoryUsageOf = (
  client: ValkeyClientShape,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<number>, CommandError> =>
  Effect.flatMap(client.pipeline(keys.map((key) => ({ name: "MEMORY", args: ["USAGE", key] }))), (usages) =>
    Effect.forEach(usages, (usage) => {
      if (Result.isSuccess(usage)) return Effect.succeed(Number(usage.success ?? 0))
      return usage.failure._tag === "CacheServerError" ? Effect.fail(usage.failure) : Effect.succeed(0)
    })
  )
