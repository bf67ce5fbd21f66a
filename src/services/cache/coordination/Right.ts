/** What is leased: a lock, or permits; on what terms, and to whom. */
import type { Clock, Effect } from "effect"
import type { CacheError } from "../../../schema/CacheError.ts"
import type { CacheCore } from "../kernel/context.ts"

/** Others have it. Something may have changed in so many milliseconds, without anybody telling. */
export interface Busy {
  readonly _tag: "Busy"
  readonly retryIn: number
}

export type Attempt<G> = { readonly _tag: "Granted"; readonly grant: G } | Busy

/** The right that is leased: one command each. */
export interface Right<G> {
  readonly key: string
  /** Where those who wait are told of changes, and by which name. */
  readonly channel: string
  readonly wakeName: (token: string) => string
  /** Those who wait have a place in a row on the server, which they must leave. */
  readonly queues: boolean
  /** Waiters ask this often though nobody tells them to, in milliseconds. */
  readonly askEvery: number
  readonly attempt: (token: string, lease: number, waits: boolean) => Effect.Effect<Attempt<G>, CacheError>
  /** To so many milliseconds at least, undefined = for ever, and so many more than there are. False: not held. */
  readonly extend: (token: string, least: number | undefined, more: number) => Effect.Effect<boolean, CacheError>
  /** And the place in the row. False: not held. */
  readonly release: (token: string) => Effect.Effect<boolean, CacheError>
}

export interface Terms {
  /** Milliseconds. */
  readonly lease: number
  readonly wait: number
  readonly renew: boolean
}

/** Who has or wants it. */
export interface Claimant<G> {
  readonly core: CacheCore
  readonly right: Right<G>
  readonly terms: Terms
  readonly clock: Clock.Clock
  readonly token: string
  /** Milliseconds, by the clock that nobody sets. */
  readonly now: number
}
