/** Near caches for tests, and whether their reads ask a server. */
import { Duration, Effect, Exit, Layer } from "effect"
import {
  CacheLive,
  type CacheOptions,
  CacheService,
  type NearOptions,
  type PolicySource,
  type TypedCache,
  type ValkeyClientShape
} from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { cacheOver } from "../cacheOver.ts"
import { until } from "../until.ts"
import { Elsewhere } from "./elsewhere.ts"

let spaces = 0

/** A prefix that nobody else has. */
export const newPrefix = (): string => `near${++spaces}`

export interface NearCacheSettings extends Partial<CacheOptions> {
  readonly near?: NearOptions | false
  readonly policies?: ReadonlyArray<PolicySource>
}

/** A near cache with a key space of its own over the client, which has been proven to hear. */
export const nearCache = ({ near = {}, ...options }: NearCacheSettings = {}) =>
  Effect.gen(function* () {
    const prefix = newPrefix()
    const context = yield* Layer.build(CacheLive.layer({ prefix, timeToLive: "1 hour", ...options, near }))
    const cache = yield* Effect.provideContext(CacheService, context)
    yield* cache.get("warm")
    const isProven = (age: Duration.Duration) => Duration.toMillis(age) < 1000
    if (near !== false) {
      yield* until("a proof", cache.near, (state) => state._tag === "Live" && isProven(state.proofAge))
    }
    return cache
  })

/** A cache with the same keys over another client, without a near cache. */
export const cacheBeside = (client: ValkeyClientShape, { options: { prefix, timeToLive } }: TypedCache<unknown>) =>
  cacheOver(client, { prefix, timeToLive })

/** The cache of another process. */
export const cacheElsewhere = (cache: TypedCache<unknown>) =>
  Effect.flatMap(Elsewhere, (client) => cacheBeside(client, cache))

/** What an effect gives without the server: it fails where it asks for anything. */
export const withoutServer = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Faults.Faults, (faults) =>
    Effect.ensuring(Effect.andThen(faults.set({ failure: "refused" }), effect), faults.clear)
  )

/** Whether it is answered in this process. */
export const isNear = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(withoutServer(effect)), Exit.isSuccess)

/** Reads until it is answered in this process: what announces one's own write may come after the first reply. */
export const warm = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  until("the value near", Effect.andThen(effect, isNear(effect)), (near) => near)

/** Until it is not answered in this process any more. */
export const untilFar = <A, E, R>(effect: Effect.Effect<A, E, R>) => until("the drop", isNear(effect), (near) => !near)
