/** What the operations of one cache have in common: its client, settings and codec, and how arguments are checked. */
import { type Duration, Effect, Exit, Random } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { type CacheOptionsShape, optionsRefusal } from "../../schema/CacheOptions.ts"
import { refused } from "../../schema/failures.ts"
import { defaultKeyFunction, keyRefusal } from "../../schema/Key.ts"
import { toMillis, withJitter } from "../../schema/TimeToLive.ts"
import type { ValueCodec } from "../../schema/ValueCodec.ts"
import type { KeyOption } from "../CacheService.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import type { SingleFlight } from "./SingleFlight.ts"

export interface CacheContext<A, RD, RE> {
  readonly client: ValkeyClientShape
  readonly options: CacheOptionsShape
  readonly codec: ValueCodec<A, RD, RE>
  readonly flights: SingleFlight
  /** The checked final key. */
  readonly finalKey: (operation: string, key: string, options?: KeyOption) => Exit.Exit<string, CacheInputError>
  /** The version that the call means. */
  readonly version: (operation: string, options?: KeyOption) => Exit.Exit<number, CacheInputError>
  /** Milliseconds, with the cache's default and jitter; `Infinity` = never expires, 0 = at once. */
  readonly lifetime: (
    operation: string,
    timeToLive: Duration.Input | undefined
  ) => Effect.Effect<number, CacheInputError>
}

export const makeContext = <A, RD, RE>(
  client: ValkeyClientShape,
  options: CacheOptionsShape,
  codec: ValueCodec<A, RD, RE>,
  flights: SingleFlight
): CacheContext<A, RD, RE> => {
  const { jitter, keyFunction, prefix } = options
  const refusal = optionsRefusal(options)
  const defaultMillis = toMillis(options.timeToLive) ?? 0

  const version: CacheContext<A, RD, RE>["version"] = (operation, keyOptions) => {
    if (refusal !== undefined) return refused(operation, refusal)
    const version = keyOptions?.version ?? options.version
    return Number.isSafeInteger(version) ? Exit.succeed(version) : refused(operation, "version must be a safe integer")
  }

  // What the default key function puts before every key of the cache's own version.
  const head =
    keyFunction === defaultKeyFunction ? keyFunction.make({ prefix, version: options.version, key: "" }) : undefined

  return {
    client,
    options,
    codec,
    flights,
    version,
    finalKey: (operation, key, keyOptions) => {
      const reason = refusal ?? keyRefusal(key)
      if (reason !== undefined) return refused(operation, reason)
      if (head !== undefined && keyOptions?.version === undefined) return checkedFinal(operation, head + key)
      const checked = version(operation, keyOptions)
      if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
      return checkedFinal(operation, keyFunction.make({ prefix, version: checked.value, key }))
    },
    lifetime: (operation, timeToLive) => {
      const millis = timeToLive === undefined ? defaultMillis : toMillis(timeToLive)
      if (millis === undefined) return refused(operation, "timeToLive is not a duration")
      if (jitter === 0) return Exit.succeed(millis)
      return Effect.map(Random.next, (random) => withJitter(millis, jitter, random))
    }
  }
}

const checkedFinal = (operation: string, final: string): Exit.Exit<string, CacheInputError> => {
  const reason = keyRefusal(final)
  return reason === undefined ? Exit.succeed(final) : refused(operation, `after prefix and version: ${reason}`)
}
