/** Lifetimes of keys. */
import type { Duration, Effect, Option } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { KeyOptions, TtlOptions } from "./KeyOptions.ts"

/** The operations of a cache on lifetimes of keys. Each takes one round trip. */
export interface CacheLifetimes {
  /** New lifetime; true if the key exists, also when it was and stays persistent. Zero or less deletes. */
  readonly touch: (key: string, options?: TtlOptions) => Effect.Effect<boolean, CommandError>
  /** `touch` with the lifetime as an argument. */
  readonly expire: (
    key: string,
    timeToLive: Duration.Input,
    options?: KeyOptions
  ) => Effect.Effect<boolean, CommandError>
  /** Lifetime up to an instant, in milliseconds since 1970 where it is a number. A past instant deletes. */
  readonly expireAt: (key: string, instant: Date | number, options?: KeyOptions) => Effect.Effect<boolean, CommandError>
  /** True if a lifetime was removed. */
  readonly persist: (key: string, options?: KeyOptions) => Effect.Effect<boolean, CommandError>
  /** The instant at which the key ends, in milliseconds since 1970 by the server's clock. None = no such key; Some(Infinity) = never. */
  readonly expireTime: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<number>, CommandError>
  /** None = no such key; Some(Duration.infinity) = never expires. */
  readonly ttl: (key: string, options?: KeyOptions) => Effect.Effect<Option.Option<Duration.Duration>, CommandError>
}
