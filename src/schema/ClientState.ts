/** How a client's connections are. */
import { Schema } from "effect"
import { ForeignError } from "./ForeignError.ts"

/**
 * A server that cannot be reached, and why.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ServerDown {
  /** The server as "host:port", or the path of its socket. */
  readonly node: string
  /** The error that the last attempt to reach it met, where it is known. */
  readonly reason?: ForeignError | undefined
}

const ServerDown: Schema.Codec<ServerDown> = Schema.Struct({
  node: Schema.String,
  reason: Schema.optional(ForeignError)
})

/**
 * How the connections of a client are. `client.state` gives it, and so does `cache.health`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService, ClientState } from "effect-vcache"
 *
 * const program = CacheService.use((cache) => cache.client.state)
 * const state = Effect.runSync(Effect.provide(program, CacheMemory))
 * console.log(Schema.encodeSync(ClientState)(state))
 * // => { _tag: 'Ready' }
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export type ClientState =
  /** Nothing has needed a connection yet. */
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Ready" }
  /** Servers that are needed cannot be reached; the client goes on trying. Others may answer. */
  | {
      readonly _tag: "Degraded"
      /** The first of them. */
      readonly node?: string | undefined
      readonly reason?: ForeignError | undefined
      /** All of them. */
      readonly down?: ReadonlyArray<ServerDown> | undefined
    }
  | { readonly _tag: "Closed" }

export const ClientState: Schema.Codec<ClientState> = Schema.Union([
  Schema.TaggedStruct("Idle", {}),
  Schema.TaggedStruct("Connecting", {}),
  Schema.TaggedStruct("Ready", {}),
  Schema.TaggedStruct("Degraded", {
    node: Schema.optional(Schema.String),
    reason: Schema.optional(ForeignError),
    down: Schema.optional(Schema.Array(ServerDown))
  }),
  Schema.TaggedStruct("Closed", {})
])
