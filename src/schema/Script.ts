/** Lua scripts, and their twins for a store that runs none. */
import type { Arg, Command, Reply, ReplyEncoding } from "./Command.ts"

/**
 * What a script's twin sees of the store: the same commands, run at once.
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface ScriptStore {
  /** Runs a command as `server.call` does; throws where the server would answer with an error. */
  readonly call: (name: string, ...args: ReadonlyArray<Arg>) => Reply
  /** The same, with bulk strings as bytes. */
  readonly bytes: (name: string, ...args: ReadonlyArray<Arg>) => Reply
  /** Ends the script with an error reply, as `server.error_reply` does. */
  readonly fail: (reply: string) => never
}

/**
 * A Lua script with, for the memory topology, the same behaviour in TypeScript.
 *
 * @since 0.2.0
 * @category pipelines
 * @see docs/pipelines.md
 */
export interface Script {
  /** The name of the script in errors, metrics and traces. */
  readonly name: string
  /** The text of the script, which the server runs. */
  readonly lua: string
  /** Whether its caller relies on there being one store: then a fallback does not run it on another one. Default: false. */
  readonly exclusive?: boolean | undefined
  /**
   * What it does with its keys: `"reads"` changes nothing, `"changes"` changes values that are no structures, `"adds"`
   * (default) may do anything. `ValkeyFallback` runs it on its second client accordingly.
   */
  readonly uses?: "reads" | "changes" | "adds" | undefined
  /** What the memory topology runs in place of the text. Without it the script fails there with `CacheUnsupportedError`. */
  readonly memory?: (store: ScriptStore, keys: ReadonlyArray<string>, args: ReadonlyArray<Arg>) => Reply
}

/** The command that runs a script: by its text, because nobody can load it in the middle of a pipeline. */
export const scriptCall = (
  script: Script,
  keys: ReadonlyArray<string>,
  args: ReadonlyArray<Arg>,
  reply?: ReplyEncoding
): Command => ({ name: "EVAL", args: [script.lua, keys.length, ...keys, ...args], script, reply })
