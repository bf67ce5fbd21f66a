/** Running scripts. */
import type { Effect, Schema } from "effect"
import type { ValueError } from "../../schema/CacheError.ts"
import type { ArgSchema, CacheScript, ScriptInput } from "../CacheScript.ts"

/**
 * The operation of a cache that runs a `CacheScript`.
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
