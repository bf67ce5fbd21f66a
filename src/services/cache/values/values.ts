/** Single values: get, set and their relatives. */
import { Clock, Effect, Exit, Option, Result } from "effect"
import { isKeyType, type KeyType, type Reply } from "../../../schema/Command.ts"
import type { CacheInputError, CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Stored, Timing } from "../../../schema/frame.ts"
import { scriptCall } from "../../../schema/Script.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheValues, SetOptions } from "../../operations/CacheValues.ts"
import { protocolError, refused } from "../../../schema/failures.ts"
import { sendOne } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { valueOf } from "../kernel/entry.ts"
import { liveNear, liveRead } from "../kernel/nearReads.ts"
import * as replies from "../kernel/replies.ts"
import { type End, endAt, later } from "../kernel/End.ts"
import { setArguments, timingFor } from "../kernel/setCommand.ts"
import { stampFor } from "../kernel/tagging.ts"
import { makeToken } from "../kernel/token.ts"
import { keepTtlScript } from "./keepTtlScript.ts"
import { markStaleScript } from "./markStaleScript.ts"
import { headArguments, isHeadOfFramed, isWrongType, leftoverIn, overLeftover } from "./leftover.ts"

const contradiction = "expireAt excludes timeToLive and keepTtl: give only one of them"

export const valueOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheValues<A, RD, RE> => {
  const { begin, inFlight, client, codec, direct, finalKey, lifetime, near, nearTags, readOptions, tags, writing } =
    context
  const isQueued = client !== direct
  const judgeNear = (nearTags ?? tags).judge

  const fromServer = (name: EntryName) =>
    client.request("GET", [name.final], valueOf(codec, name, tags.judge), readOptions)

  const get: CacheValues<A, RD, RE>["get"] = (key, options) =>
    Effect.flatMapEager(finalKey("get", key, options), (final) => {
      const name: EntryName = { operation: "get", key, final, isOwn: options?.version === undefined }
      if (near === undefined) return fromServer(name)
      return Effect.withFiber((caller) => {
        if (!near.isFor(final)) return fromServer(name)
        const isNear = options?.near !== false
        // What the server says of a value that is near is only what has become of its tags.
        const kept = isNear ? near.tagged(name, caller) : undefined
        if (kept !== undefined) return liveNear(near, name, kept, judgeNear)
        return Effect.flatMap(near.read(name, isNear), (read) =>
          liveRead(near, codec, name, read, isNear ? judgeNear : tags.judge)
        )
      })
    })

  /** Undefined = the key keeps the lifetime it has. */
  const newLifetime = (operation: string, options?: SetOptions): Effect.Effect<End | undefined, CacheInputError> => {
    const { expireAt, keepTtl, timeToLive, when } = options ?? {}
    if (when !== undefined && when !== "absent" && when !== "present") {
      return refused(operation, "when must be absent or present")
    }
    if (expireAt !== undefined) {
      if (timeToLive !== undefined || keepTtl === true) return refused(operation, contradiction)
      return endAt(operation, expireAt)
    }
    if (keepTtl !== true) return lifetime(operation, timeToLive)
    return timeToLive === undefined
      ? Exit.succeed(undefined)
      : refused(operation, "keepTtl and timeToLive exclude each other: give only one of them")
  }

  /** What is stored, and how long the server keeps it. */
  const stored = (
    entry: EntryName,
    value: A,
    end: End | undefined,
    options?: SetOptions
  ): Effect.Effect<readonly [Stored, End | undefined], ValueError, RE> => {
    if (options?.staleFor === undefined && options?.tags === undefined && options?.since === undefined) {
      return Effect.mapEager(codec.encode(entry, value), (encoded) => [encoded, end] as const)
    }
    const staleFor = options.staleFor === undefined ? 0 : toMillis(options.staleFor)
    if (staleFor === undefined) return refused(entry.operation, "staleFor is not a duration")
    const encoded = (kept: End | undefined, timing?: Timing) =>
      Effect.flatMapEager(stampFor(context, entry.operation, options, kept), (stamp) =>
        Effect.mapEager(codec.encode(entry, value, timing, stamp), (encoded) => [encoded, kept] as const)
      )
    if (staleFor === 0) return encoded(end)
    if (end === undefined)
      return refused(entry.operation, "keepTtl and staleFor exclude each other: give only one of them")
    return Effect.flatMap(timingFor(end, 0), (timing) =>
      encoded(timing === undefined ? end : later(end, staleFor), timing)
    )
  }

  /** Where the server says that a key exists, its value may be one that counts as absent. */
  const unlessLive = (
    entry: EntryName,
    encoded: Stored,
    lifetime: End | undefined,
    when: SetOptions["when"]
  ): Effect.Effect<boolean, CommandError> =>
    when === "absent" && !isQueued ? overLeftover(context, entry, encoded, lifetime ?? "keep") : Exit.succeed(false)

  /** Whether `get` would give a value, or another operation anything: what is stale or was invalidated is not there. */
  const exists = (entry: EntryName): Effect.Effect<boolean, CommandError> => {
    const { final, operation } = entry
    return Effect.flatMap(
      client.pipeline([
        { name: "EXISTS", args: [final] },
        { name: "GETRANGE", args: headArguments(final) }
      ]),
      ([there, head]) => {
        if (there === undefined || head === undefined) return Exit.fail(protocolError(operation))
        return Effect.flatMapEager(
          Effect.flatMapEager(Effect.fromResult(there), replies.flag(operation)),
          (isThere) => {
            if (!isThere) return Exit.succeed(false)
            if (Result.isFailure(head)) return isWrongType(head.failure) ? Exit.succeed(true) : Exit.fail(head.failure)
            if (!isHeadOfFramed(head.success)) return Exit.succeed(true)
            return Effect.map(leftoverIn(context, entry), (leftover) => leftover === undefined)
          }
        )
      }
    )
  }
  const unlink = (final: string) => client.request("UNLINK", [final], replies.flag("delete"))

  /** Storing for no time at all leaves the key absent. */
  const expireAtOnce = (entry: EntryName, when: SetOptions["when"]) => {
    const { final } = entry
    if (when === "absent") return Effect.map(exists(entry), (exists) => !exists)
    return when === "present" ? unlink(final) : Effect.as(unlink(final), true)
  }

  /** SET; the lifetime is undefined where the key keeps the one that it has. */
  const store = <B, E, R>(
    final: string,
    encoded: Stored,
    lifetime: End | undefined,
    { get = false, when }: Pick<SetOptions, "when"> & { readonly get?: boolean },
    use: (reply: Reply) => Effect.Effect<B, E, R>
  ): Effect.Effect<B, E | CommandError, R> => {
    if (lifetime !== undefined) {
      const args = setArguments(final, encoded, lifetime, { when })
      return get ? client.request("SET", [...args, "GET"], use, readOptions) : client.request("SET", args, use)
    }
    const options = [...(when === undefined ? [] : [when === "absent" ? "NX" : "XX"]), ...(get ? ["GET"] : [])]
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const args = [encoded, Math.floor(now), ...options]
      const command = scriptCall(keepTtlScript, [final], args, get ? codec.reply : undefined)
      return Effect.flatMap(sendOne(client, "SET", command), use)
    })
  }

  const set = (operation: string, key: string, value: A, options?: SetOptions) =>
    begin(() =>
      Effect.flatMapEager(finalKey(operation, key, options), (final) =>
        Effect.flatMapEager(newLifetime(operation, options), (millis) => {
          const entry: EntryName = { operation, key, final }
          return Effect.flatMapEager(stored(entry, value, millis, options), ([encoded, lifetime]) => {
            inFlight.outdate(final)
            const when = options?.when
            if (lifetime === 0) return expireAtOnce(entry, when)
            return store(final, encoded, lifetime, { when }, (reply) =>
              reply === null ? unlessLive(entry, encoded, lifetime, when) : replies.done(operation)(reply)
            )
          })
        })
      )
    )

  const getAndSet: CacheValues<A, RD, RE>["getAndSet"] = (key, value, options) =>
    begin(() =>
      Effect.flatMapEager(finalKey("getAndSet", key, options), (final) =>
        Effect.flatMapEager(newLifetime("getAndSet", options), (millis) => {
          const entry: EntryName = { operation: "getAndSet", key, final }
          return Effect.flatMapEager(stored(entry, value, millis, options), ([encoded, lifetime]) => {
            inFlight.outdate(final)
            const use = valueOf(codec, entry, tags.judge)
            const when = options?.when
            if (lifetime === 0) {
              return client.request(when === "absent" ? "GET" : "GETDEL", [final], use, readOptions)
            }
            return store(final, encoded, lifetime, { when, get: true }, (reply) =>
              Effect.flatMapEager(use(reply), (before) =>
                reply === null || Option.isSome(before)
                  ? Exit.succeed(before)
                  : Effect.as(unlessLive(entry, encoded, lifetime, when), before)
              )
            )
          })
        })
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
          client.request(
            "GETDEL",
            [final],
            valueOf(codec, { operation: "getAndDelete", key, final }, tags.judge),
            readOptions
          )
        )
      ),
    getAndTouch: (key, timeToLive, options) =>
      Effect.flatMapEager(finalKey("getAndTouch", key, options), (final) =>
        Effect.flatMapEager(lifetime("getAndTouch", timeToLive), (millis) => {
          const use = valueOf(codec, { operation: "getAndTouch", key, final }, tags.judge)
          if (millis === 0) return writing(final, client.request("GETDEL", [final], use, readOptions))
          const end = millis === Infinity ? ["PERSIST"] : ["PX", String(millis)]
          return client.request("GETEX", [final, ...end], use, readOptions)
        })
      ),
    delete: (key, options) =>
      Effect.flatMapEager(finalKey("delete", key, options), (final) => writing(final, unlink(final))),
    markStale: (key, options) =>
      Effect.flatMapEager(finalKey("markStale", key, options), (final) =>
        begin(() =>
          Effect.flatMap(makeToken, (mark) => {
            inFlight.outdate(final)
            return Effect.flatMap(
              client.eval(markStaleScript, [final], [mark, codec.plainHeader ?? ""]),
              replies.flag("markStale")
            )
          })
        )
      ),
    has: (key, options) =>
      Effect.flatMapEager(finalKey("has", key, options), (final) =>
        begin(() => exists({ operation: "has", key, final }))
      ),
    typeOf: (key, options) =>
      Effect.flatMapEager(finalKey("typeOf", key, options), (final) => client.request("TYPE", [final], keyType))
  }
}

const keyType = (reply: Reply): Effect.Effect<Option.Option<KeyType>, CommandError> => {
  if (reply === "none") return Effect.succeedNone
  return typeof reply === "string" && isKeyType(reply) ? Effect.succeedSome(reply) : replies.unexpected("typeOf")
}
