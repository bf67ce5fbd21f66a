/** Single values: get, set and their relatives. */
import { Clock, Effect, Exit, Option } from "effect"
import { isKeyType, type KeyType, type Reply } from "../../../schema/Command.ts"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/frame.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheValues, SetOptions } from "../../operations/CacheValues.ts"
import { protocolError, refused } from "../../../schema/failures.ts"
import type { CacheContext } from "../kernel/context.ts"
import { valueOf } from "../kernel/entry.ts"
import { liveRead } from "../kernel/nearReads.ts"
import * as replies from "../kernel/replies.ts"
import { setArguments, timingFor } from "../kernel/setCommand.ts"
import { keepTtlScript } from "./keepTtlScript.ts"

export const valueOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheValues<A, RD, RE> => {
  const { begin, inFlight, client, codec, finalKey, lifetime, near, readOptions, writing } = context

  const fromServer = (name: EntryName) => client.request("GET", [name.final], valueOf(codec, name), readOptions)

  const get: CacheValues<A, RD, RE>["get"] = (key, options) =>
    Effect.flatMapEager(finalKey("get", key, options), (final) => {
      const name: EntryName = { operation: "get", key, final }
      if (near === undefined) return fromServer(name)
      return Effect.suspend(() =>
        near.isFor(final)
          ? Effect.flatMap(near.read(final, options?.near !== false), (read) => liveRead(near, codec, name, read))
          : fromServer(name)
      )
    })

  /** Milliseconds; undefined = the key keeps the lifetime it has. */
  const newLifetime = (operation: string, options?: SetOptions) => {
    const { keepTtl, timeToLive, when } = options ?? {}
    if (when !== undefined && when !== "absent" && when !== "present") {
      return refused(operation, "when must be absent or present")
    }
    if (keepTtl !== true) return lifetime(operation, timeToLive)
    return timeToLive === undefined ? Exit.succeed(undefined) : refused(operation, "keepTtl contradicts timeToLive")
  }

  /** What is stored, and how long the server keeps it. */
  const stored = (
    entry: EntryName,
    value: A,
    millis: number | undefined,
    options?: SetOptions
  ): Effect.Effect<readonly [Stored, number | undefined], ValueError, RE> => {
    const staleFor = options?.staleFor === undefined ? 0 : toMillis(options.staleFor)
    if (staleFor === undefined) return refused(entry.operation, "staleFor is not a duration")
    if (staleFor === 0) return Effect.mapEager(codec.encode(entry, value), (encoded) => [encoded, millis])
    if (millis === undefined) return refused(entry.operation, "keepTtl contradicts staleFor")
    return Effect.flatMap(timingFor(millis, 0), (timing) =>
      Effect.map(codec.encode(entry, value, timing), (encoded) => [
        encoded,
        timing === undefined ? millis : millis + staleFor
      ])
    )
  }

  const exists = (final: string) => client.request("EXISTS", [final], replies.flag("has"))
  const unlink = (final: string) => client.request("UNLINK", [final], replies.flag("delete"))

  /** Storing for no time at all leaves the key absent. */
  const expireAtOnce = (final: string, when: SetOptions["when"]) => {
    if (when === "absent") return Effect.map(exists(final), (exists) => !exists)
    return when === "present" ? unlink(final) : Effect.as(unlink(final), true)
  }

  /** SET; the lifetime is undefined where the key keeps the one that it has. */
  const store = <B, E, R>(
    final: string,
    encoded: Stored,
    lifetime: number | undefined,
    { get = false, when }: Pick<SetOptions, "when"> & { readonly get?: boolean },
    use: (reply: Reply) => Effect.Effect<B, E, R>
  ): Effect.Effect<B, E | CommandError, R> => {
    if (lifetime !== undefined) {
      const args = setArguments(final, encoded, lifetime, { when })
      return get ? client.request("SET", [...args, "GET"], use, readOptions) : client.request("SET", args, use)
    }
    const options = [...(when === undefined ? [] : [when === "absent" ? "NX" : "XX"]), ...(get ? ["GET"] : [])]
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const args = [keepTtlScript.lua, 1, final, encoded, Math.floor(now), ...options]
      const command = { name: "EVAL", args, script: keepTtlScript, reply: get ? codec.reply : undefined }
      return Effect.flatMap(client.pipeline([command]), ([result]) =>
        result === undefined ? Exit.fail(protocolError("SET")) : Effect.flatMap(Effect.fromResult(result), use)
      )
    })
  }

  const set = (operation: string, key: string, value: A, options?: SetOptions) =>
    begin(() =>
      Effect.flatMapEager(finalKey(operation, key, options), (final) =>
        Effect.flatMapEager(newLifetime(operation, options), (millis) =>
          Effect.flatMapEager(stored({ operation, key, final }, value, millis, options), ([encoded, lifetime]) => {
            inFlight.outdate(final)
            return lifetime === 0
              ? expireAtOnce(final, options?.when)
              : store(final, encoded, lifetime, { when: options?.when }, replies.done(operation))
          })
        )
      )
    )

  const getAndSet: CacheValues<A, RD, RE>["getAndSet"] = (key, value, options) =>
    begin(() =>
      Effect.flatMapEager(finalKey("getAndSet", key, options), (final) =>
        Effect.flatMapEager(newLifetime("getAndSet", options), (millis) =>
          Effect.flatMapEager(
            stored({ operation: "getAndSet", key, final }, value, millis, options),
            ([encoded, lifetime]) => {
              inFlight.outdate(final)
              const use = valueOf(codec, { operation: "getAndSet", key, final })
              return lifetime === 0
                ? client.request(options?.when === "absent" ? "GET" : "GETDEL", [final], use, readOptions)
                : store(final, encoded, lifetime, { when: options?.when, get: true }, use)
            }
          )
        )
      )
    )

  return {
    get,
    getAndSet,
    set: (key, value, options) => set("set", key, value, options),
    add: (key, value, options) => set("add", key, value, { ...options, when: "absent" }),
    getAndDelete: (key, options) =>
      Effect.flatMapEager(finalKey("getAndDelete", key, options), (final) =>
        writing(
          final,
          client.request("GETDEL", [final], valueOf(codec, { operation: "getAndDelete", key, final }), readOptions)
        )
      ),
    delete: (key, options) =>
      Effect.flatMapEager(finalKey("delete", key, options), (final) => writing(final, unlink(final))),
    has: (key, options) => Effect.flatMapEager(finalKey("has", key, options), exists),
    typeOf: (key, options) =>
      Effect.flatMapEager(finalKey("typeOf", key, options), (final) => client.request("TYPE", [final], keyType))
  }
}

const keyType = (reply: Reply): Effect.Effect<Option.Option<KeyType>, CommandError> => {
  if (reply === "none") return Effect.succeedNone
  return typeof reply === "string" && isKeyType(reply) ? Effect.succeedSome(reply) : replies.unexpected("typeOf")
}
