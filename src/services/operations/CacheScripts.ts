/** Running scripts. */
import type { Effect, Schema } from "effect"
import type { ValueError } from "../../schema/CacheError.ts"
import type { ArgSchema, CacheScript, ScriptInput } from "../CacheScript.ts"

/**
 * The operation of a cache that runs a `CacheScript`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheScript, CacheService } from "effect-vcache"
 *
 * const length = CacheScript.make({
 *   name: "length",
 *   keys: ["of"],
 *   args: {},
 *   result: Schema.Int,
 *   lua: "return redis.call('STRLEN', KEYS[1])",
 *   memory: ({ call }, [of = ""]) => call("STRLEN", of)
 * })
 * const program = CacheService.use((cache) => cache.script(length, { keys: { of: "missing" }, args: {} }))
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory)))
 * // => 0
 * ```
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface CacheScripts {
  /** Runs a script: keys with prefix and version unless it says otherwise, arguments and result through its schemas. */
  readonly script: <
    K extends string,
    Args extends Readonly<Record<string, ArgSchema>>,
    Result extends Schema.Constraint
  >(
    script: CacheScript<K, Args, Result>,
    input: ScriptInput<K, Args>
  ) => Effect.Effect<Result["Type"], ValueError, Args[keyof Args]["EncodingServices"] | Result["DecodingServices"]>
}
