/** A storage adapter for Keyv 5, and so for cache-manager, over a cache. */
import { EventEmitter } from "node:events"
import { type Layer, Schema } from "effect"
import { escapeGlob } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import { makeClient, type PromiseCache } from "./PromiseCache.ts"

export interface KeyvStoreOptions {
  /** Entries without a ttl live so long, in milliseconds. Default: for ever, as Keyv has it. */
  readonly timeToLive?: number | undefined
}

interface Entry {
  readonly key: string
  readonly value: unknown
  readonly ttl?: number | undefined
}

/**
 * Give it to Keyv as its store: `new Keyv({ store: new KeyvStore(CacheFromConfig) })`. Keyv writes values as text and puts
 * its namespace before keys; prefix, version, compression and encryption are the cache's. It rejects with the cache's
 * tagged errors, of which Keyv makes misses unless it is told to throw. `disconnect` closes the layer.
 */
export class KeyvStore<E = never> extends EventEmitter {
  readonly opts: { readonly dialect: "valkey"; readonly url: string }
  namespace: string | undefined
  readonly #client: PromiseCache
  readonly #texts: PromiseCache<string>
  readonly #timeToLive: number

  constructor(layer: Layer.Layer<CacheService, E>, { timeToLive = Infinity }: KeyvStoreOptions = {}) {
    super()
    this.opts = { dialect: "valkey", url: "" }
    this.#client = makeClient(layer)
    this.#texts = this.#client.withSchema(Schema.String)
    this.#timeToLive = timeToLive
  }

  /** Typed as Keyv has it: whoever stored it knows what it is. */
  async get<Value>(key: string): Promise<Value | undefined> {
    const found: unknown = await this.#texts.get(key)
    return found as Value | undefined
  }

  async getMany<Value>(keys: Array<string>): Promise<Array<Value | undefined>> {
    const found: ReadonlyMap<string, unknown> = await this.#texts.getMany(keys)
    return keys.map((key) => found.get(key) as Value | undefined)
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    return this.#texts.set(key, String(value), { timeToLive: ttl ?? this.#timeToLive })
  }

  async setMany(entries: Array<Entry>): Promise<void> {
    await this.#client.run(
      CacheService.use((cache) => {
        const texts = cache.withSchema(Schema.String)
        return texts.pipeline((queue) =>
          entries.map(({ key, ttl, value }) => queue.set(key, String(value), { timeToLive: ttl ?? this.#timeToLive }))
        )
      })
    )
  }

  async delete(key: string): Promise<boolean> {
    return this.#client.delete(key)
  }

  async deleteMany(keys: Array<string>): Promise<boolean> {
    return (await this.#client.deleteMany(keys)) > 0
  }

  /** This namespace only, of this prefix and version. */
  async clear(): Promise<void> {
    await this.#client.run(CacheService.use((cache) => cache.deletePattern(this.#pattern(this.namespace))))
  }

  async has(key: string): Promise<boolean> {
    return this.#client.has(key)
  }

  async hasMany(keys: Array<string>): Promise<Array<boolean>> {
    return this.#client.run(CacheService.use((cache) => cache.pipeline((queue) => keys.map((key) => queue.has(key)))))
  }

  /** All that there is when it begins. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<Array<string | Awaited<Value> | undefined>, void> {
    const keys = await this.#client.run(CacheService.use((cache) => cache.keys(this.#pattern(namespace))))
    for (let i = 0; i < keys.length; i += pageSize) {
      const page = keys.slice(i, i + pageSize)
      const found: ReadonlyMap<string, unknown> = await this.#texts.getMany(page)
      for (const [key, value] of found) yield [key, value as Awaited<Value>]
    }
  }

  async disconnect(): Promise<void> {
    await this.#client.close()
  }

  #pattern(namespace: string | undefined): string {
    return namespace === undefined || namespace === "" ? "*" : `${escapeGlob(namespace)}:*`
  }
}

const pageSize = 500
