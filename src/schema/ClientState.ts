/** How a client's connections are. */
import type { ForeignError } from "./CacheError.ts"

export type ClientState =
  /** Nothing has needed a connection yet. */
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Ready" }
  /** A server that is needed cannot be reached; the client goes on trying. Others may answer. */
  | { readonly _tag: "Degraded"; readonly node: string | undefined; readonly reason: ForeignError | undefined }
  | { readonly _tag: "Closed" }
