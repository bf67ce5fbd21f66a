/** A store for `express-session` over a cache. */
import { type Layer, Schema } from "effect"
import { type SessionData, Store } from "express-session"
import { digest } from "../../schema/digest.ts"
import { escapeGlob } from "../../schema/key.ts"
import { CacheService } from "../../services/CacheService.ts"
import { makeClient, type PromiseCache } from "./PromiseCache.ts"

export interface ExpressSessionStoreOptions {
  /** Of the keys, behind that of the cache. Default `"session:"`. */
  readonly prefix?: string | undefined
  /** Of sessions whose cookie says nothing, in milliseconds. Default one day. */
  readonly timeToLive?: number | undefined
}

type Done = ((error?: unknown) => void) | undefined

const Data = Schema.Record(Schema.String, Schema.Json)

/**
 * `session({ store: new ExpressSessionStore(CacheFromConfig), … })`. Sessions live as long as their cookie, under the
 * SHA-256 of their id, so that who reads the cache cannot take them over. `close` closes the layer.
 */
export class ExpressSessionStore<E = never> extends Store {
  readonly #client: PromiseCache
  readonly #sessions: PromiseCache<typeof Data.Type>
  readonly #prefix: string
  readonly #timeToLive: number

  constructor(
    layer: Layer.Layer<CacheService, E>,
    { prefix = "session:", timeToLive = 86_400_000 }: ExpressSessionStoreOptions = {}
  ) {
    super()
    this.#client = makeClient(layer)
    this.#sessions = this.#client.withSchema(Data)
    this.#prefix = prefix
    this.#timeToLive = timeToLive
  }

  get(id: string, done: (error: unknown, session?: SessionData | null) => void): void {
    answer(
      this.#sessions.get(this.#keyOf(id)).then((found) => (found === undefined ? null : asSession(found))),
      done
    )
  }

  set(id: string, session: SessionData, done?: (error?: unknown) => void): void {
    settle(this.#set(id, session), done)
  }

  destroy(id: string, done?: (error?: unknown) => void): void {
    settle(this.#client.delete(this.#keyOf(id)), done)
  }

  override touch(id: string, session: SessionData, done?: () => void): void {
    settle(this.#client.touch(this.#keyOf(id), { timeToLive: this.#lifetimeOf(session) }), done)
  }

  /** In no order. Their ids are not known here. */
  override all(done: (error: unknown, sessions?: Array<SessionData> | null) => void): void {
    const found = this.#keys().then((keys) => this.#sessions.getMany(keys))
    answer(
      found.then((all) => Array.from(all.values(), asSession)),
      done
    )
  }

  override length(done: (error: unknown, length?: number) => void): void {
    answer(
      this.#keys().then((keys) => keys.length),
      done
    )
  }

  override clear(done?: (error?: unknown) => void): void {
    settle(this.#client.run(CacheService.use((cache) => cache.deletePattern(this.#pattern))), done)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  /** Rejects what is no JSON rather than throw it at a request. */
  async #set(id: string, session: SessionData): Promise<boolean> {
    const data: typeof Data.Type = JSON.parse(JSON.stringify(session))
    return this.#sessions.set(this.#keyOf(id), data, { timeToLive: this.#lifetimeOf(session) })
  }

  #keys(): Promise<ReadonlyArray<string>> {
    return this.#client.run(CacheService.use((cache) => cache.keys(this.#pattern)))
  }

  get #pattern(): string {
    return `${escapeGlob(this.#prefix)}*`
  }

  #keyOf(id: string): string {
    return this.#prefix + digest(id)
  }

  #lifetimeOf({ cookie }: SessionData): number {
    // What is left of it, as express-session counts; a cookie of the browser's session has none, or false.
    return typeof cookie.maxAge === "number" ? cookie.maxAge : this.#timeToLive
  }
}

/** As it was set, by its own account: express-session checks what it needs. */
const asSession = (found: typeof Data.Type): SessionData => JSON.parse(JSON.stringify(found))

const answer = <A>(operation: Promise<A>, done: (error: unknown, found?: A) => void): void => {
  operation.then(
    (found) => done(null, found),
    (error: unknown) => done(error)
  )
}

const settle = (operation: Promise<unknown>, done: Done): void => {
  operation.then(
    () => done?.(),
    (error: unknown) => done?.(error)
  )
}
