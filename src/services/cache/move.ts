/** A value under another key, with its lifetime. */
import { Effect, Result } from "effect"
import { type CacheError, CacheMissError, CacheServerError } from "../../schema/CacheError.ts"
import type { Script, ValkeyClientShape } from "../ValkeyClient.ts"
import * as replies from "./replies.ts"

export interface Move {
  readonly operation: string
  /** The user key, for errors. */
  readonly key: string
  readonly from: string
  readonly to: string
  readonly overwrite: boolean
}

/** A source that changes so often while it is copied is left where it is. */
const maxCopies = 10

/**
 * False where `to` exists and must stay. One atomic step, but for keys in different slots of a cluster: those are
 * copied, and the source is deleted if it has not changed meanwhile, so that no write to it is lost. For the moment
 * between, and if the caller is interrupted there, both keys exist.
 */
export const move = (client: ValkeyClientShape, { from, key, operation, overwrite, to }: Move) =>
  client.send(overwrite ? "RENAME" : "RENAMENX", [from, to]).pipe(
    Effect.map((reply) => reply !== 0),
    Effect.catchTag("CacheUnsupportedError", () => copyAndDelete(client, operation, key, from, to, overwrite)),
    Effect.mapError((error) => (isNoSuchKey(error) ? new CacheMissError({ operation, key }) : error))
  )

const copyAndDelete = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  operation: string,
  key: string,
  from: string,
  to: string,
  overwrite: boolean
): Effect.fn.Return<boolean, CacheError> {
  for (let copies = 0; copies < maxCopies; copies++) {
    const [value = null, remaining = null] = yield* client.transaction([
      { name: "DUMP", args: [from], reply: "buffer" },
      { name: "PTTL", args: [from] }
    ])
    if (value === null) return yield* new CacheMissError({ operation, key })
    if (!Buffer.isBuffer(value) || typeof remaining !== "number") return yield* replies.unexpected(operation)
    const lifetime = Math.max(0, remaining)
    const replace = overwrite || copies > 0 ? ["REPLACE"] : []
    const stored = yield* Effect.result(client.send("RESTORE", [to, lifetime, value, ...replace]))
    if (Result.isFailure(stored)) {
      if (isBusyKey(stored.failure)) return false
      return yield* Effect.fail(stored.failure)
    }
    if ((yield* client.eval(deleteUnchanged, [from], [value])) === 1) return true
  }
  // Not two of it.
  yield* client.send("UNLINK", [to])
  return yield* new CacheServerError({
    operation,
    code: "TRYAGAIN",
    reply: "TRYAGAIN the key changed whenever it was copied",
    node: undefined,
    mayHaveExecuted: true
  })
})

/** KEYS: the source. ARGV: the value that was copied. Only a cluster needs it. */
const deleteUnchanged: Script = {
  name: "deleteUnchanged",
  lua: `
if redis.call('DUMP', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`
}

const isNoSuchKey = (error: CacheError): boolean =>
  error._tag === "CacheServerError" && error.reply.includes("no such key")

const isBusyKey = (error: CacheError): boolean => error._tag === "CacheServerError" && error.code === "BUSYKEY"
