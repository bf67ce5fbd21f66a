/** What can be leased: a lock, or permits. */
import type { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"

/** Others hold it. Their lease may end in `retryIn` milliseconds without any message that says so. */
export interface Busy {
  readonly _tag: "Busy"
  readonly retryIn: number
}

export type Attempt<G> = { readonly _tag: "Granted"; readonly grant: G } | Busy

/** What can be leased. Each of its effects sends one command. */
export interface Leasable<G> {
  readonly key: string
  /** Its key on the server. Messages about changes are published on the server of this key. */
  readonly place: string
  /** The channel on which waiters are woken, and the message that wakes the waiter with this token. */
  readonly channel: string
  readonly wakeName: (token: string) => string
  /** Whether waiters have a place in a queue on the server, which they must leave. */
  readonly queues: boolean
  /** How often waiters ask without being woken, in milliseconds. */
  readonly askEvery: number
  readonly attempt: (token: string, lease: number, waits: boolean) => Effect.Effect<Attempt<G>, CommandError>
  /**
   * Extends the lease by `more` milliseconds, and to `least` milliseconds at least; undefined = for ever. Returns false where it
   * is not held.
   */
  readonly extend: (token: string, least: number | undefined, more: number) => Effect.Effect<boolean, CommandError>
  /** Releases it, and leaves the queue. Returns false where it is not held. */
  readonly release: (token: string) => Effect.Effect<boolean, CommandError>
}
