/** Effect's `BackingPersistence` on our connection, correct in a cluster too. */
import { type Duration, Effect, Exit, Layer, Result, Stream } from "effect"
import * as Persistence from "effect/persistence/Persistence"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command, Reply } from "../../schema/Command.ts"
import { escapeGlob } from "../../schema/key.ts"
import { parseJson } from "../../schema/strictJson.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import { sendAll, split } from "../../services/cache/kernel/batches.ts"
import * as replies from "../../services/cache/kernel/replies.ts"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"

const failed = (what: string) => (cause: unknown) =>
  new Persistence.PersistenceError({ message: `Failed to ${what}`, cause })

const storeCommand = (key: string, value: object, timeToLive: Duration.Duration | undefined): Command => {
  const millis = timeToLive === undefined ? Infinity : (toMillis(timeToLive) ?? Infinity)
  const args = [key, JSON.stringify(value)]
  return { name: "SET", args: millis === Infinity ? args : [...args, "PX", String(Math.max(1, millis))] }
}

const parsed = (reply: Reply | undefined): object | undefined => {
  const value: unknown = typeof reply === "string" ? parseJson(reply) : undefined
  return typeof value === "object" && value !== null ? value : undefined
}

const makeStore = (client: ValkeyClientShape, storeId: string): Persistence.BackingPersistenceStore => {
  // As Effect's own store over Redis names its keys, so that either finds what the other stored.
  const namespace = `${storeId.replaceAll("%", "%25").replaceAll(":", "%3A")}:`
  const final = (key: string) => `${namespace}${key}`

  const attempt = <A>(what: string, run: () => Effect.Effect<A, CommandError>) =>
    Effect.flatMap(Effect.try({ try: run, catch: failed(what) }), Effect.mapError(failed(what)))

  return {
    get: (key) =>
      Effect.flatMap(
        attempt("get a value", () => client.send("GET", [final(key)])),
        (reply) => Effect.try({ try: () => parsed(reply), catch: failed("parse a value") })
      ),
    getMany: (keys) =>
      Effect.map(
        attempt("get values", () =>
          Effect.flatMap(client.send("MGET", keys.map(final)), (reply) =>
            Array.isArray(reply) && reply.length === keys.length ? Exit.succeed(reply) : replies.unexpected("MGET")
          )
        ),
        (found) => {
          const at = (i: number) => Result.getOrUndefined(Result.try(() => parsed(found[i])))
          return [at(0), ...keys.slice(1).map((_, i) => at(i + 1))]
        }
      ),
    set: (key, value, timeToLive) =>
      Effect.asVoid(
        attempt("set a value", () => {
          const { args, name } = storeCommand(final(key), value, timeToLive)
          return client.send(name, args)
        })
      ),
    setMany: (entries) =>
      Effect.asVoid(
        attempt("set values", () =>
          sendAll(
            client,
            entries.map(([key, value, timeToLive]) => storeCommand(final(key), value, timeToLive))
          )
        )
      ),
    remove: (key) => Effect.asVoid(attempt("remove a value", () => client.send("UNLINK", [final(key)]))),
    clear: attempt("clear the store", () =>
      Stream.runForEachArray(client.scanBinary({ match: `${escapeGlob(namespace)}*`, deletes: () => true }), (keys) =>
        Effect.forEach(
          split(keys, ({ length }) => length),
          (part) => client.send("UNLINK", part),
          { discard: true }
        )
      )
    )
  }
}

/**
 * `BackingPersistence` over the provided client, on every topology and in memory: `Persistence.layer` and
 * `PersistedCache` over it. Unlike Effect's own store over Redis it sets many keys of a cluster, and clears by scanning
 * every primary, never by KEYS. Keys and values are those of Effect's own.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Persistence } from "effect/persistence"
 * import { ValkeyMemory } from "effect-vcache"
 * import { EffectBackingPersistence } from "effect-vcache/effect"
 *
 * const program = Effect.gen(function* () {
 *   const store = yield* (yield* Persistence.BackingPersistence).make("users")
 *   yield* store.set("1", { name: "Ada" }, undefined)
 *   return yield* store.get("1")
 * })
 * const live = Layer.provide(EffectBackingPersistence.layer(), ValkeyMemory.layer())
 * console.log(await Effect.runPromise(Effect.scoped(Effect.provide(program, live))))
 * // => { name: 'Ada' }
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const layer = (): Layer.Layer<Persistence.BackingPersistence, never, ValkeyClient> =>
  Layer.fresh(
    Layer.effect(
      Persistence.BackingPersistence,
      Effect.map(ValkeyClient, (client) => ({
        make: (storeId: string) => Effect.sync(() => makeStore(client, storeId))
      }))
    )
  )
