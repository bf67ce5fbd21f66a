/** How a client's connections are. */
import { Schema } from "effect"
import { ForeignError } from "./CacheError.ts"

export type ClientState =
  /** Nothing has needed a connection yet. */
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Ready" }
  /** A server that is needed cannot be reached; the client goes on trying. Others may answer. */
  | { readonly _tag: "Degraded"; readonly node?: string | undefined; readonly reason?: ForeignError | undefined }
  | { readonly _tag: "Closed" }

export const ClientState: Schema.Codec<ClientState> = Schema.Union([
  Schema.TaggedStruct("Idle", {}),
  Schema.TaggedStruct("Connecting", {}),
  Schema.TaggedStruct("Ready", {}),
  Schema.TaggedStruct("Degraded", { node: Schema.optional(Schema.String), reason: Schema.optional(ForeignError) }),
  Schema.TaggedStruct("Closed", {})
])
