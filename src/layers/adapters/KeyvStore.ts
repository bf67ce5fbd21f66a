/** A storage adapter for Keyv 6 and 5, and so for cache-manager, over a cache. */
import { EventEmitter } from "node:events"
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { type CacheError, CacheInputError } from "../../schema/CacheError.ts"
import { escapeGlob } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import type { TypedCache } from "../../services/operations/TypedCache.ts"
import { keyv5, keyv6, type KeyvDialect, type KeyvEntry, namespaceLead } from "./keyvDialects.ts"
import { makeClient, type PromiseCache } from "./PromiseCache.ts"

/**
 * The options of `KeyvStore`. Every field has a default.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/promises.md
 */
export interface KeyvStoreOptions {
  /** Entries that Keyv gives no lifetime live for this many milliseconds. Default: they never expire, as in Keyv's other stores. */
  readonly timeToLive?: number | undefined
}

const methods = [
  "get",
  "getMany",
  "has",
  "hasMany",
  "set",
  "setMany",
  "delete",
  "deleteMany",
  "clear",
  "disconnect",
  "iterator"
]

/**
 * Give it to Keyv as its store: `new Keyv({ store: new KeyvStore(CacheFromConfig), namespace: "users" })`. Each `Keyv` needs
 * a store of its own, because it tells its store the namespace. A namespace's keys begin with it and a colon under either
 * version of Keyv; prefix, version, compression and encryption are the cache's.
 *
 * Keyv hands over text unless its serialization is switched off. Other values are stored by the cache's serializer, and
 * refused with a `CacheCodecError` where it would change them. Methods reject with the cache's tagged errors, which Keyv
 * emits as `error` events. `disconnect` closes the layer.
 *
 * @example
 * ```ts
 * import { Keyv } from "keyv"
 * import { CacheMemory } from "effect-vcache"
 * import { KeyvStore } from "effect-vcache/keyv"
 *
 * const users = new Keyv({ store: new KeyvStore(CacheMemory), namespace: "users" })
 * await users.set("1", { name: "Ada" }, 60_000)
 * console.log(await users.get("1"))
 * await users.disconnect()
 * // => { name: 'Ada' }
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/promises.md
 */
export class KeyvStore<E = never> extends EventEmitter {
  /** The namespace, which Keyv sets. */
  namespace: string | undefined
  readonly #client: PromiseCache
  readonly #timeToLive: number
  #dialect: KeyvDialect | undefined

  constructor(layer: Layer.Layer<CacheService, E>, { timeToLive = Infinity }: KeyvStoreOptions = {}) {
    super()
    this.#client = makeClient(layer)
    this.#timeToLive = timeToLive
  }

  /** Keyv 6 reads it before it calls any method: the store puts the namespace before keys, and is told when entries end. */
  get capabilities() {
    this.#speak(keyv6)
    return {
      compatible: true,
      store: "keyvStorage",
      methods: Object.fromEntries(methods.map((name) => [name, { exists: true, methodType: "async" }])),
      expires: true
    } as const
  }

  /** Keyv 5 reads it before it calls any method: only stores of a dialect that it knows can be iterated. */
  get opts(): { readonly dialect: "valkey"; readonly url: string } {
    this.#speak(keyv5)
    return { dialect: "valkey", url: "" }
  }

  /** Returns the value, or undefined on a miss. Nothing checks its type: Keyv lets the caller name it. */
  async get<Value>(key: string): Promise<Value | undefined> {
    const final = this.#keyIn(key)
    const found: unknown = await this.#use((cache) => Effect.map(cache.get(final), Option.getOrUndefined))
    return found as Value | undefined
  }

  /** Returns the values in the order of the keys, undefined for each miss. One round trip. */
  async getMany<Value>(keys: Array<string>): Promise<Array<Value | undefined>> {
    const all = keys.map((key) => this.#keyIn(key))
    const found: ReadonlyMap<string, unknown> = await this.#use((cache) => cache.getMany(all))
    return all.map((key) => found.get(key) as Value | undefined)
  }

  /** Stores the value until `end`, which is milliseconds to live with Keyv 5, and milliseconds since 1970 with Keyv 6. */
  async set(key: string, value: unknown, end?: number): Promise<boolean> {
    const final = this.#keyIn(key)
    return this.#use((cache) =>
      Effect.flatMap(this.#lifetime, (of) => cache.set(final, storable(value), { timeToLive: of(end) }))
    )
  }

  /** Stores several values in one pipeline, each until its own end. Returns for each whether it was stored. */
  async setMany(entries: Array<KeyvEntry>): Promise<Array<boolean>> {
    const { end } = this.#spoken
    const all = entries.map((entry) => ({ key: this.#keyIn(entry.key), value: storable(entry.value), end: end(entry) }))
    return this.#use((cache) =>
      Effect.flatMap(this.#lifetime, (of) =>
        cache.pipeline((queue) => all.map(({ end, key, value }) => queue.set(key, value, { timeToLive: of(end) })))
      )
    )
  }

  /** Returns whether the key was there. */
  async delete(key: string): Promise<boolean> {
    return this.#client.delete(this.#keyIn(key))
  }

  /** Returns with Keyv 6 whether each key was there, and with Keyv 5 whether any was. */
  async deleteMany(keys: Array<string>): Promise<boolean | Array<boolean>> {
    const all = keys.map((key) => this.#keyIn(key))
    const each = await this.#use((cache) => cache.pipeline((queue) => all.map((key) => queue.delete(key))))
    return this.#spoken.deleted(each)
  }

  /** Deletes the keys of this namespace, prefix and version; without a namespace it deletes those of all namespaces. */
  async clear(): Promise<void> {
    const pattern = `${escapeGlob(namespaceLead(this.namespace))}*`
    await this.#use((cache) => cache.deletePattern(pattern))
  }

  /** Returns whether the key is there. */
  async has(key: string): Promise<boolean> {
    return this.#client.has(this.#keyIn(key))
  }

  /** Returns for each key whether it is there, in one pipeline. */
  async hasMany(keys: Array<string>): Promise<Array<boolean>> {
    const all = keys.map((key) => this.#keyIn(key))
    return this.#use((cache) => cache.pipeline((queue) => all.map((key) => queue.has(key))))
  }

  /** Yields the entries that the namespace has when the iteration begins. */
  async *iterator<Value>(namespace = this.namespace): AsyncGenerator<Array<string | Awaited<Value> | undefined>, void> {
    const pattern = `${escapeGlob(namespaceLead(namespace))}*`
    const lead = this.#spoken.lead(namespace).length
    const keys = await this.#use((cache) => cache.keys(pattern))
    for (let i = 0; i < keys.length; i += pageSize) {
      const found: ReadonlyMap<string, unknown> = await this.#use((cache) => cache.getMany(keys.slice(i, i + pageSize)))
      for (const [key, value] of found) yield [key.slice(lead), value as Awaited<Value>]
    }
  }

  /** Closes the layer and its connections. */
  async disconnect(): Promise<void> {
    await this.#client.close()
  }

  /** Without Keyv it is used as Keyv 6 would. */
  get #spoken(): KeyvDialect {
    return this.#dialect ?? keyv6
  }

  #speak(dialect: KeyvDialect): void {
    this.#dialect ??= dialect
    if (this.#dialect === dialect) return
    throw new CacheInputError({ operation: "KeyvStore", reason: "one store serves Keyv 5 or Keyv 6, not both" })
  }

  #keyIn(key: string): string {
    return this.#spoken.lead(this.namespace) + key
  }

  /** A number that Keyv gives as the end of an entry, as milliseconds to live. */
  get #lifetime(): Effect.Effect<(end: number | undefined) => number> {
    const { millis } = this.#spoken
    return Effect.map(
      Clock.currentTimeMillis,
      (now) => (end) => (end === undefined ? this.#timeToLive : millis(end, now))
    )
  }

  #use<A>(operation: (cache: TypedCache<unknown>) => Effect.Effect<A, CacheError>): Promise<A> {
    return this.#client.run(CacheService.use((cache) => operation(cache.withSchema(Schema.Unknown))))
  }
}

/** Values that never expire come in an envelope whose `expires` is undefined, which no format keeps. */
const storable = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("expires" in value) || value.expires !== undefined) return value
  const { expires: _, ...rest } = value
  return rest
}

const pageSize = 500
