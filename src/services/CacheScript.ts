/** Lua scripts with typed keys, arguments and result. */
import type { Schema } from "effect"
import type { Arg } from "../schema/Command.ts"
import type { Script } from "../schema/Script.ts"

/** What an argument may be on its way: text, a number, bytes. */
type ArgSchema = Schema.Constraint & { readonly Encoded: Arg }

/**
 * A Lua script that `CacheScript.make` has made, for `cache.script`.
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface CacheScript<
  K extends string,
  Args extends Readonly<Record<string, ArgSchema>>,
  Result extends Schema.Constraint
> {
  /** The names of its keys, in the order of KEYS. */
  readonly keys: ReadonlyArray<K>
  /** The schemas of its arguments by name, in the order of ARGV. */
  readonly args: Args
  /** The schema that decodes what the script returns. */
  readonly result: Result
  /** Whether keys get the cache's prefix and version. */
  readonly prefix: boolean
  /** The script as the client runs it. */
  readonly script: Script
}

/**
 * A script that caches run with `cache.script`. KEYS and ARGV come in the order of `keys` and `args`; `result` decodes
 * what the script returns: text, integers, `null` and arrays of them. Runs by its SHA, and is loaded where a server
 * lacks it. Without `memory` it fails with `CacheUnsupportedError` in memory. In a cluster all keys are in one slot.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheScript, CacheService } from "effect-vcache"
 *
 * const append = CacheScript.make({
 *   name: "append",
 *   keys: ["log"],
 *   args: { line: Schema.String },
 *   result: Schema.Int,
 *   lua: "return redis.call('APPEND', KEYS[1], ARGV[1])",
 *   // Memory has no Lua: it runs this.
 *   memory: ({ call }, [log = ""], [line = ""]) => call("APPEND", log, line)
 * })
 * const program = CacheService.use((cache) => cache.script(append, { keys: { log: "today" }, args: { line: "hello" } }))
 * console.log(Effect.runSync(Effect.provide(program, CacheMemory)))
 * // => 5
 * ```
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export const make = <
  const K extends string,
  const Args extends Readonly<Record<string, ArgSchema>>,
  Result extends Schema.Constraint
>(options: {
  /** For errors, metrics and traces. */
  readonly name: string
  /** What each key is for. */
  readonly keys: ReadonlyArray<K>
  readonly args: Args
  readonly result: Result
  readonly lua: string
  /** The same in TypeScript. */
  readonly memory?: Script["memory"]
  /** Whether keys get the cache's prefix and version. Default true. */
  readonly prefix?: boolean | undefined
  /**
   * What the script does with its keys: `"reads"` changes nothing, `"changes"` changes values that are no structures,
   * `"adds"` (default) may do anything. In an outage `ValkeyFallback` runs only the first two on its second client.
   */
  readonly uses?: Script["uses"]
}): CacheScript<K, Args, Result> => {
  const { args, keys, lua, memory, name, prefix = true, result, uses } = options
  return { keys, args, result, prefix, script: { name, lua, uses, ...(memory === undefined ? {} : { memory }) } }
}

/**
 * What a script is run with.
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface ScriptInput<K extends string, Args extends Readonly<Record<string, ArgSchema>>> {
  /** The user key for each name of `keys`. */
  readonly keys: { readonly [name in K]: string }
  /** The value for each name of `args`. */
  readonly args: { readonly [name in keyof Args]: Args[name]["Type"] }
  /** The version of the keys. Default: the cache's own. */
  readonly version?: number | undefined
}

export type { ArgSchema }
