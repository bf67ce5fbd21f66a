/** What servers say about changes of their keys. */

/**
 * An event of a client's channel. Instants are in the milliseconds of the client's `instant`.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export type Invalidation =
  /** `server` announces the changes of its keys from here on. What was read from it before may have changed unannounced. */
  | { readonly _tag: "Live"; readonly server: string }
  /** These final keys have changed. `own`: by this client, which says so when it sends the command and when it has the reply. */
  | { readonly _tag: "Keys"; readonly keys: ReadonlyArray<string>; readonly own: boolean }
  /** Anything may have changed: a flush, a failover, a moved slot. Undefined = on every server. */
  | { readonly _tag: "Everything"; readonly server: string | undefined; readonly reason: string }
  /** Whatever the server executed before `sentAt` has been announced. */
  | { readonly _tag: "Proof"; readonly server: string; readonly sentAt: number }
  /** Changes are not announced any more. Undefined = by no server. */
  | { readonly _tag: "Down"; readonly server: string | undefined; readonly reason: string; readonly cause: DownCause }

/**
 * - `"lost"`: the connection broke, and is being made again
 * - `"refused"`: the server does not announce changes to this client
 * - `"left"`: the server has no keys of this client any more
 * - `"closed"`: the layer of the client is closed, and nothing more is told
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export type DownCause = "lost" | "refused" | "left" | "closed"

/** Why nothing is announced at first. */
export const beingOpened = "the channel is being opened"

/**
 * Where a reply came among those of its connection. A server answers what comes over one connection in the order in which it
 * executes it, so that the later reply tells of the later state; of replies over two connections nobody knows.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export interface ReplyPlace {
  /** The connection that the reply came over. */
  readonly connection: symbol
  /** Grows from reply to reply. */
  readonly number: number
}

/**
 * A value that was read where its changes are announced.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export interface TrackedReply {
  /** The stored value, as text or bytes; null where there is none. */
  readonly value: string | Buffer | null
  /** How long the key still lives in milliseconds, as PTTL tells it: −1 = for ever, −2 = no such key. */
  readonly pttl: number
  /** The instant before the read was sent. */
  readonly sentAt: number
  /** The server that answered; undefined where its announcements do not cover the reply, which must not be kept. */
  readonly server: string | undefined
  /** Undefined where nobody knows whether it is newer than other replies. */
  readonly place?: ReplyPlace | undefined
  /** The history of the server's data, where it was asked for; empty where the server hides it. */
  readonly era?: string | undefined
}

/**
 * - `"broadcast"`: servers announce every change under the prefixes
 * - `"perKey"`: they announce the changes of keys that this client has read, once for each read
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export type Tracking = "broadcast" | "perKey"
