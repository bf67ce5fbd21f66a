/** Whether the cache can be used now. */
import { type Duration, type Option, Schema } from "effect"
import { CacheError } from "./CacheError.ts"
import { ClientState } from "./ClientState.ts"
import { NearState, type NearStateJson } from "./NearState.ts"

export interface Health {
  /**
   * Whether every server that commands go to has answered a PING, which is what a readiness probe asks. That PING is forbidden or
   * unknown is an answer, and so is MISCONF, of a server that cannot write its snapshots and can be read.
   */
  readonly ready: boolean
  /** How long the servers took to answer, or to fail. */
  readonly latency: Duration.Duration
  /** How the connections are. */
  readonly state: ClientState
  /** Why the cache is not ready; none where it is. */
  readonly error: Option.Option<CacheError>
  /** What the near cache is doing, where there is one. It is never why the cache is not ready. */
  readonly near: Option.Option<NearState>
}

/**
 * `Health` as JSON holds it.
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/connections.md
 */
export interface HealthJson {
  /** Whether every server that commands go to has answered. */
  readonly ready: boolean
  /** How long the servers took to answer, or to fail, in milliseconds. */
  readonly latency: number
  /** How the connections are. */
  readonly state: ClientState
  /** Why the cache is not ready; absent where it is. */
  readonly error?: (typeof CacheError)["Encoded"]
  /** What the near cache is doing; absent where there is none. */
  readonly near?: NearStateJson
}

/**
 * The schema of `cache.health`, for readiness endpoints and `HttpApi`. The state and the error name servers: answer
 * strangers with `ready` alone.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService, Health } from "effect-vcache"
 *
 * const program = CacheService.use((cache) => cache.health)
 * const health = Effect.runSync(Effect.provide(program, CacheMemory))
 * console.log(Schema.encodeSync(Health)(health).ready)
 * // => true
 * ```
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/connections.md
 */
export const Health: Schema.Codec<Health, HealthJson> = Schema.Struct({
  ready: Schema.Boolean,
  latency: Schema.DurationFromMillis,
  state: ClientState,
  error: Schema.OptionFromOptionalKey(CacheError),
  near: Schema.OptionFromOptionalKey(NearState)
})
