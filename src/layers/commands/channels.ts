/** What can be subscribed to. */
import { Exit, Stream } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { refused } from "../../schema/failures.ts"
import type { SubscriptionOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"

export type ChannelKind = NonNullable<SubscriptionOptions["kind"]>

const commands = { channel: "SUBSCRIBE", pattern: "PSUBSCRIBE", sharded: "SSUBSCRIBE" } as const satisfies Readonly<
  Record<ChannelKind, string>
>

export interface CheckedChannels {
  readonly command: (typeof commands)[ChannelKind]
  readonly kind: ChannelKind
  /** Each once: the server sends a message once for each time that it is asked for its channel. */
  readonly names: ReadonlyArray<string>
}

export const checkChannels = (
  channels: string | ReadonlyArray<string>,
  { kind = "channel" }: SubscriptionOptions = {}
): Exit.Exit<CheckedChannels, CacheInputError> => {
  const command = commands[kind]
  if (command === undefined) return refused("SUBSCRIBE", "kind must be channel, pattern or sharded")
  const names = [...new Set(typeof channels === "string" ? [channels] : channels)]
  if (names.length === 0) return refused(command, "give at least one channel")
  return names.every((name) => typeof name === "string" && name.isWellFormed())
    ? Exit.succeed({ command, kind, names })
    : refused(command, "a channel must not contain a lone surrogate")
}

/** A subscription for the life of a stream. */
export const subscribeWith =
  (subscription: ValkeyClientShape["subscription"]): ValkeyClientShape["subscribe"] =>
  (...channels) =>
    Stream.unwrap(subscription(channels))
