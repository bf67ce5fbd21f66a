/** Scripts by their SHA. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { amended } from "../../schema/failures.ts"
import { sha1 } from "../../schema/digest.ts"
import type { Script } from "../../schema/Script.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

export const makeEval = (send: ValkeyClientShape["send"], commandTimeout: number): ValkeyClientShape["eval"] => {
  const shas = new WeakMap<Script, string>()
  const shaOf = (script: Script): string => {
    const known = shas.get(script)
    if (known !== undefined) return known
    const sha = sha1(script.lua)
    shas.set(script, sha)
    return sha
  }
  return (script, keys, args) =>
    Effect.suspend(() => {
      const started = performance.now()
      const named = (error: CommandError) => Effect.fail(amended(error, { operation: script.name }))
      return Effect.catch(send("EVALSHA", [shaOf(script), keys.length, ...keys, ...args]), (error) => {
        if (!isUnknownScript(error)) return named(error)
        // Both commands together take no longer than one may.
        const timeout = Math.max(1, commandTimeout - (performance.now() - started))
        return Effect.catch(send("EVAL", [script.lua, keys.length, ...keys, ...args], { timeout }), named)
      })
    })
}

const isUnknownScript = (error: CommandError): boolean => error._tag === "CacheServerError" && error.code === "NOSCRIPT"
