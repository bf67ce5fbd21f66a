/** What a near cache is doing, for health pages and tests. */
import { type Duration, Schema } from "effect"

/**
 * What the near cache of a cache is doing at this moment. `cache.near` returns it.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService, NearState } from "effect-vcache"
 *
 * const program = CacheService.use((cache) => cache.near)
 * const state = Effect.runSync(Effect.provide(program, CacheMemory))
 * console.log(Schema.encodeSync(NearState)(state))
 * // => { _tag: 'Off', reason: 'the cache has no near cache' }
 * ```
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export type NearState =
  /** There is no near cache, or changes are not announced to it for this reason: reads go to the server. */
  | { readonly _tag: "Off"; readonly reason: string }
  /**
   * Changes are not announced at the moment: reads go to the server. `servesUntil`: until then what is near is served all the same, by
   * `whenDown`. Instants are in milliseconds since 1970.
   */
  | { readonly _tag: "Down"; readonly reason: string; readonly since: number; readonly servesUntil?: number }
  /** `proofAge`: how long ago it was proven that every change is announced. `bytes`: of keys and stored forms. `holds`: what is near now, by `hold`. */
  | {
      readonly _tag: "Live"
      readonly proofAge: Duration.Duration
      readonly entries: number
      readonly bytes: number
      readonly holds: "read" | "all"
    }

/**
 * `NearState` as JSON holds it; `proofAge` in milliseconds.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export type NearStateJson =
  | Exclude<NearState, { readonly _tag: "Live" }>
  | {
      readonly _tag: "Live"
      readonly proofAge: number
      readonly entries: number
      readonly bytes: number
      readonly holds: "read" | "all"
    }

export const NearState: Schema.Codec<NearState, NearStateJson> = Schema.Union([
  Schema.TaggedStruct("Off", { reason: Schema.String }),
  Schema.TaggedStruct("Down", {
    reason: Schema.String,
    since: Schema.Number,
    servesUntil: Schema.optionalKey(Schema.Number)
  }),
  Schema.TaggedStruct("Live", {
    proofAge: Schema.DurationFromMillis,
    entries: Schema.Int,
    bytes: Schema.Int,
    holds: Schema.Literals(["read", "all"])
  })
])
