/** Single values: get, set and their relatives. */
import { Effect, Exit } from "effect"
import type { Arg } from "../../schema/Command.ts"
import type { Stored } from "../../schema/Frame.ts"
import type { SetOption, TypedCache } from "../CacheService.ts"
import { refused } from "../../schema/failures.ts"
import type { CacheContext } from "./context.ts"
import { valueOf } from "./entry.ts"
import * as replies from "./replies.ts"

type ValueOperations = "get" | "set" | "getAndSet" | "getAndDelete" | "add" | "delete" | "has"

export const valueOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>
): Pick<TypedCache<A, RD, RE>, ValueOperations> => {
  const { allFlights, client, codec, finalKey, lifetime, readOptions, writing } = context

  const get: TypedCache<A, RD, RE>["get"] = (key, options) =>
    Effect.flatMapEager(finalKey("get", key, options), (final) =>
      client.request("GET", [final], valueOf(codec, { operation: "get", key, final }), readOptions)
    )

  /** Milliseconds; undefined = the key keeps the lifetime it has. */
  const newLifetime = (operation: string, options?: SetOption) => {
    const { keepTtl, timeToLive, when } = options ?? {}
    if (when !== undefined && when !== "absent" && when !== "present") {
      return refused(operation, "when must be absent or present")
    }
    if (keepTtl !== true) return lifetime(operation, timeToLive)
    return timeToLive === undefined ? Exit.succeed(undefined) : refused(operation, "keepTtl contradicts timeToLive")
  }

  const exists = (final: string) => client.request("EXISTS", [final], replies.flag("has"))
  const unlink = (final: string) => client.request("UNLINK", [final], replies.flag("delete"))

  /** Storing for no time at all leaves the key absent. */
  const expireAtOnce = (final: string, when: SetOption["when"]) => {
    if (when === "absent") return Effect.map(exists(final), (exists) => !exists)
    return when === "present" ? unlink(final) : Effect.as(unlink(final), true)
  }

  const set = (operation: string, key: string, value: A, options?: SetOption) =>
    Effect.suspend(() =>
      Effect.flatMapEager(finalKey(operation, key, options), (final) =>
        Effect.flatMapEager(newLifetime(operation, options), (millis) =>
          Effect.flatMapEager(codec.encode({ operation, key, final }, value), (encoded) => {
            allFlights.outdate(final)
            return millis === 0
              ? expireAtOnce(final, options?.when)
              : client.request("SET", setArguments(final, encoded, millis, options), replies.done(operation))
          })
        )
      )
    )

  const getAndSet: TypedCache<A, RD, RE>["getAndSet"] = (key, value, options) =>
    Effect.suspend(() =>
      Effect.flatMapEager(finalKey("getAndSet", key, options), (final) =>
        Effect.flatMapEager(newLifetime("getAndSet", options), (millis) =>
          Effect.flatMapEager(codec.encode({ operation: "getAndSet", key, final }, value), (encoded) => {
            allFlights.outdate(final)
            const [name, args]: readonly [string, ReadonlyArray<Arg>] =
              millis !== 0
                ? ["SET", [...setArguments(final, encoded, millis, options), "GET"]]
                : [options?.when === "absent" ? "GET" : "GETDEL", [final]]
            return client.request(name, args, valueOf(codec, { operation: "getAndSet", key, final }), readOptions)
          })
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
    has: (key, options) => Effect.flatMapEager(finalKey("has", key, options), exists)
  }
}

/** Of SET; undefined = the key keeps its lifetime. */
export const setArguments = (
  key: string,
  value: Stored,
  millis: number | undefined,
  options?: SetOption
): Array<Arg> => {
  const args: Array<Arg> = [key, value]
  if (millis === undefined) args.push("KEEPTTL")
  // As text, which needs no conversion on its way.
  else if (millis !== Infinity) args.push("PX", String(millis))
  if (options?.when !== undefined) args.push(options.when === "absent" ? "NX" : "XX")
  return args
}
