/** What can be leased: a lock, or permits. */
import type { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"

/** Others have it. Something may have changed in so many milliseconds, without anybody telling. */
export interface Busy {
  readonly _tag: "Busy"
  readonly retryIn: number
}

export type Attempt<G> = { readonly _tag: "Granted"; readonly grant: G } | Busy

/** One command each. */
export interface Leasable<G> {
  readonly key: string
  /** Its key on the server, beside which changes are told. */
  readonly place: string
  /** Where those who wait are told of changes, and by which name. */
  readonly channel: string
  readonly wakeName: (token: string) => string
  /** Those who wait have a place in a row on the server, which they must leave. */
  readonly queues: boolean
  /** Waiters ask this often though nobody tells them to, in milliseconds. */
  readonly askEvery: number
  readonly attempt: (token: string, lease: number, waits: boolean) => Effect.Effect<Attempt<G>, CommandError>
  /** To so many milliseconds at least, undefined = for ever, and so many more than there are. False: not held. */
  readonly extend: (token: string, least: number | undefined, more: number) => Effect.Effect<boolean, CommandError>
  /** And the place in the row. False: not held. */
  readonly release: (token: string) => Effect.Effect<boolean, CommandError>
}
