/** How long keys live. */
import { Duration, Effect, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheLifetimes } from "../../operations/CacheLifetimes.ts"
import { sendAll } from "../kernel/batches.ts"
import { refused } from "../../../schema/failures.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isInstant } from "../kernel/End.ts"
import * as replies from "../kernel/replies.ts"

export const lifetimeOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheLifetimes => {
  const { client, finalKey, lifetime } = context

  /** Persistent, whether it was so before or not; whether the key exists. */
  const persistent = (operation: string, final: string) =>
    Effect.flatMap(
      sendAll(client, [
        { name: "PERSIST", args: [final] },
        { name: "EXISTS", args: [final] }
      ]),
      ([, exists = null]) => replies.flag(operation)(exists)
    )

  const expire = (operation: string, key: string, timeToLive: Duration.Input | undefined, options?: KeyOptions) =>
    Effect.flatMapEager(finalKey(operation, key, options), (final) =>
      Effect.flatMapEager(lifetime(operation, timeToLive), (millis) => {
        if (millis === Infinity) return persistent(operation, final)
        const command = millis === 0 ? client.send("UNLINK", [final]) : client.send("PEXPIRE", [final, millis])
        return Effect.flatMap(command, replies.flag(operation))
      })
    )

  return {
    touch: (key, options) => expire("touch", key, options?.timeToLive, options),
    expire: (key, timeToLive, options) => expire("expire", key, timeToLive, options),
    expireAt: (key, instant, options) => {
      const millis = Math.ceil(Number(instant))
      if (!isInstant(millis)) return refused("expireAt", "the instant is not a valid date")
      return Effect.flatMapEager(finalKey("expireAt", key, options), (final) =>
        client.request("PEXPIREAT", [final, millis], replies.flag("expireAt"))
      )
    },
    persist: (key, options) =>
      Effect.flatMapEager(finalKey("persist", key, options), (final) =>
        client.request("PERSIST", [final], replies.flag("persist"))
      ),
    expireTime: (key, options) =>
      Effect.flatMapEager(finalKey("expireTime", key, options), (final) =>
        client.request("PEXPIRETIME", [final], endOf)
      ),
    ttl: (key, options) =>
      Effect.flatMapEager(finalKey("ttl", key, options), (final) => client.request("PTTL", [final], remaining))
  }
}

const endOf = (reply: Reply): Effect.Effect<Option.Option<number>, CommandError> => {
  if (typeof reply !== "number") return replies.unexpected("expireTime")
  if (reply === -2) return Effect.succeedNone
  return Effect.succeedSome(reply === -1 ? Infinity : reply)
}

const remaining = (reply: Reply): Effect.Effect<Option.Option<Duration.Duration>, CommandError> => {
  if (typeof reply !== "number") return replies.unexpected("ttl")
  if (reply === -2) return Effect.succeedNone
  return Effect.succeed(Option.some(reply === -1 ? Duration.infinity : Duration.millis(reply)))
}
