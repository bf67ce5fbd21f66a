/** Settings of a primary and replicas that are known by their addresses. */
import { type Redacted, Result } from "effect"
import { CacheInputError } from "./CacheError.ts"
import type { ConnectionOptions } from "./ConnectionOptions.ts"
import { type ServerSettings, serverSettings } from "./ServerSettings.ts"

/**
 * The options of `ValkeyReplicated`. `urls` is required.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/replicated.md
 */
export interface ReplicatedOptions extends ConnectionOptions {
  /** The first is the primary, which takes all writes; the others are its replicas, which take the reads. */
  readonly urls: ReadonlyArray<string | Redacted.Redacted>
}

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
