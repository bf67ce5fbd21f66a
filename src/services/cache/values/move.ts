/** A value under another key, with its lifetime. */
import { Effect, Exit, Result } from "effect"
import {
  type CommandError,
  CacheMissError,
  CacheServerError,
  CacheUnsupportedError,
  type CacheError,
  type CacheCodecError
} from "../../../schema/CacheError.ts"
import type { Command } from "../../../schema/Command.ts"
import type { ValueCodec } from "../../../schema/ValueCodec.ts"
import type { Script } from "../../../schema/Script.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { deleteScript } from "../kernel/compareScripts.ts"
import * as replies from "../kernel/replies.ts"

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
 * False where `to` exists and must stay. One atomic step, but for keys in different slots of a cluster and for values
 * that encryption binds to their key: those are copied, and the source is deleted if it has not changed meanwhile, so
 * that no write to it is lost. For the moment between, and if the caller is interrupted there, both keys exist.
 */
export const move = (
  client: ValkeyClientShape,
  rebind: ValueCodec<unknown>["rebind"],
  entry: Move
): Effect.Effect<boolean, CacheError> => {
  const { from, key, operation, overwrite, to } = entry
  // Nothing to do, and nothing to lose on the way.
  if (rebind !== undefined && from !== to) {
    return Effect.flatMap(client.send("TYPE", [from]), (type) => {
      if (type === "string" || type === "none") return copyAndDelete(client, entry, rebound(rebind, entry))
      const reason = "what is encrypted in a structure is bound to its key"
      return Effect.fail(new CacheUnsupportedError({ operation, topology: client.topology, reason }))
    })
  }
  const renamed = overwrite
    ? Effect.as(client.request("RENAME", [from, to], replies.ok(operation)), true)
    : client.request("RENAMENX", [from, to], replies.flag(operation))
  return renamed.pipe(
    Effect.catchTag("CacheUnsupportedError", () => copyAndDelete(client, entry, dumped(entry))),
    Effect.mapError((error) => (isNoSuchKey(error) ? new CacheMissError({ operation, key }) : error))
  )
}

/** How an entry is copied. */
interface Copying {
  /** Of the source: what is there. */
  readonly read: Command
  /** Stores it under the other key, for so many milliseconds, 0 = for ever. */
  readonly write: (value: Buffer, lifetime: number, replace: boolean) => Effect.Effect<Command, CacheCodecError>
  /** Deletes the source if it is what was read. */
  readonly deleteUnchanged: Script
}

const dumped = ({ from, to }: Move): Copying => ({
  read: { name: "DUMP", args: [from], reply: "buffer" },
  write: (value, lifetime, replace) =>
    Exit.succeed({ name: "RESTORE", args: [to, lifetime, value, ...(replace ? ["REPLACE"] : [])] }),
  deleteUnchanged: deleteUndumped
})

const rebound = (rebind: NonNullable<ValueCodec<unknown>["rebind"]>, { from, key, operation, to }: Move): Copying => ({
  read: { name: "GET", args: [from], reply: "buffer" },
  write: (value, lifetime, replace) =>
    Exit.map(rebind({ operation, key, final: from }, value, to), (stored) => ({
      name: "SET",
      args: [to, stored, ...(lifetime === 0 ? [] : ["PX", lifetime]), ...(replace ? [] : ["NX"])]
    })),
  deleteUnchanged: deleteScript
})

const copyAndDelete = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  { from, key, operation, overwrite, to }: Move,
  copying: Copying
): Effect.fn.Return<boolean, CacheError> {
  for (let copies = 0; copies < maxCopies; copies++) {
    const [value = null, remaining = null] = yield* client.transaction([copying.read, { name: "PTTL", args: [from] }])
    if (value === null) return yield* new CacheMissError({ operation, key })
    if (!Buffer.isBuffer(value) || typeof remaining !== "number") return yield* replies.unexpected(operation)
    const { args, name } = yield* copying.write(value, Math.max(0, remaining), overwrite || copies > 0)
    const stored = yield* Effect.result(client.send(name, args))
    if (Result.isFailure(stored)) {
      if (isBusyKey(stored.failure)) return false
      return yield* Effect.fail(stored.failure)
    }
    if (stored.success === null) return false
    if ((yield* client.eval(copying.deleteUnchanged, [from], [value])) === 1) return true
  }
  // Not two of it.
  yield* client.send("UNLINK", [to])
  return yield* new CacheServerError({
    operation,
    code: "TRYAGAIN",
    reply: "TRYAGAIN the key changed during each attempt to copy it",
    mayHaveExecuted: true
  })
})

/** KEYS: the source. ARGV: the dump that was copied. Only a cluster needs it. */
const deleteUndumped: Script = {
  name: "deleteUndumped",
  lua: `
if redis.call('DUMP', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`
}

const isNoSuchKey = (error: CacheError): boolean =>
  error._tag === "CacheServerError" && error.reply.includes("no such key")

const isBusyKey = (error: CommandError): boolean => error._tag === "CacheServerError" && error.code === "BUSYKEY"
