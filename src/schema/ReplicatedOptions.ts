/** Settings of a primary and replicas that are known by their addresses. */
import { type Redacted, Result } from "effect"
import { CacheInputError } from "./CacheError.ts"
import {
  type Address,
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings
} from "./ConnectionOptions.ts"
import { parseConnectionUrl, wrongScheme } from "./connectionUrl.ts"

export interface ReplicatedOptions extends ConnectionOptions {
  /** The first is the primary, which takes all writes; the others are its replicas, which take the reads. */
  readonly urls: ReadonlyArray<string | Redacted.Redacted>
}

/** A server and how to talk to it. */
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

export const replicatedSettings = ({
  urls,
  ...options
}: ReplicatedOptions): Result.Result<readonly [ServerSettings, ...ReadonlyArray<ServerSettings>], CacheInputError> =>
  Result.gen(function* () {
    const [first, ...more] = urls
    if (first === undefined) {
      return yield* Result.fail(
        new CacheInputError({ operation: "connect", reason: "urls must list at least one server" })
      )
    }
    const primary = yield* serverSettings(first, options)
    const replicas: Array<ServerSettings> = []
    for (const url of more) replicas.push(yield* serverSettings(url, options))
    return [primary, ...replicas] as const
  })
