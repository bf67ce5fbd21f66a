/** Failures of the cache as strangers may see them. */
import {
  CacheCodecError,
  CacheConnectionError,
  type CacheError,
  CacheServerError,
  CacheTimeoutError
} from "./CacheError.ts"

/**
 * The same failure for clients outside: it names no server, and nothing of what another library said. The message is made
 * of what is left.
 *
 * @example
 * ```ts
 * import { CacheConnectionError, forClients } from "effect-vcache"
 *
 * const error = new CacheConnectionError({
 *   operation: "get",
 *   phase: "connect",
 *   code: "ECONNREFUSED",
 *   node: "10.0.0.7:6379",
 *   mayHaveExecuted: false
 * })
 * console.log(error.message)
 * // => get: no connection at 10.0.0.7:6379 (ECONNREFUSED)
 * console.log(forClients(error).message)
 * // => get: no connection (ECONNREFUSED)
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const forClients = (error: CacheError): CacheError => {
  switch (error._tag) {
    case "CacheConnectionError": {
      const { code, mayHaveExecuted, operation, phase } = error
      return new CacheConnectionError({ operation, phase, code, mayHaveExecuted })
    }
    case "CacheTimeoutError": {
      const { code, mayHaveExecuted, operation, phase, timeout } = error
      const why = code === undefined ? {} : { code }
      return new CacheTimeoutError({ operation, phase, timeout, mayHaveExecuted, ...why })
    }
    case "CacheServerError": {
      const { code, mayHaveExecuted, operation } = error
      return new CacheServerError({ operation, code, reply: code, mayHaveExecuted })
    }
    case "CacheCodecError": {
      const { direction, key, operation } = error
      return new CacheCodecError({ operation, direction, key })
    }
    default:
      return error
  }
}
