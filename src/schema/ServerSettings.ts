/** Where one server is, and how to talk to it. */
import { type Redacted, Result } from "effect"
import type { CacheInputError } from "./CacheError.ts"
import {
  type Address,
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings
} from "./ConnectionOptions.ts"
import { parseConnectionUrl, wrongScheme } from "./connectionUrl.ts"

export interface ServerSettings {
  readonly address: Address
  readonly settings: ConnectionSettings
}

export const serverSettings = (
  url: string | Redacted.Redacted,
  options: ConnectionOptions
): Result.Result<ServerSettings, CacheInputError> =>
  Result.gen(function* () {
    const target = yield* parseConnectionUrl(url)
    if (target._tag !== "Tcp" && target._tag !== "Unix")
      return yield* wrongScheme("valkey(s)://, redis(s):// or unix://")
    const settings = yield* connectionSettings(target, options)
    return { address: target._tag === "Unix" ? { path: target.path } : target.endpoint, settings }
  })
