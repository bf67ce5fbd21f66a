/** Effect's request resolvers with results in the cache: what several ask at once is looked up once, and only where it is not there. */
import { Effect, Exit, type Request, RequestResolver, type Schema, type Scope } from "effect"
import { answerOf } from "./cache/lookups/lookupAndStore.ts"
import { withServices } from "./cache/lookups/observers.ts"
import { CacheService } from "./CacheService.ts"
import type { BatchLookupOptions } from "./operations/CacheLookups.ts"
import type { LookedUp } from "./operations/LookedUp.ts"

/** What gives a value or an error. */
type AnyRequest = Request.Request<unknown, unknown>

/** Of a request's values. */
type ValueSchema<A extends AnyRequest> = Schema.Constraint & { readonly Type: Request.Success<A> }

/** What values need to be coded. */
type Services<S extends Schema.Constraint> = S["DecodingServices"] | S["EncodingServices"]

/**
 * The options of `CacheResolver.make`, besides those of `getOrSetMany`.
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export interface ResolverOptions<A extends AnyRequest, S extends ValueSchema<A>, R = never> extends Omit<
  BatchLookupOptions<S["Type"]>,
  "cacheFailures" | "keepFor"
> {
  /** The schema of the values, which are what the requests succeed with. */
  readonly value: S
  /** The user key of a request's value. */
  readonly key: (request: A) => string
  /** Looks up all that are not in the cache, in one call. Its services are those of the context in which the resolver is made. */
  readonly lookup: (
    requests: ReadonlyArray<A>
  ) => Effect.Effect<Iterable<readonly [request: A, value: S["Type"] | LookedUp<S["Type"]>]>, Request.Error<A>, R>
  /** What a request fails with that the lookup gave nothing for. */
  readonly missing: (request: A) => Request.Error<A>
}

/**
 * A resolver over `CacheService`: requests of one batch are one MGET, and one lookup for those that are missing. Values
 * are stored, failures are not. When the cache fails, all are looked up. What the lookup and the schema need is taken from
 * the context now; of the callers the lookup sees only by whom they are observed, as a region's does, because several
 * of them share it.
 *
 * @example
 * ```ts
 * import { Effect, Request, Schema } from "effect"
 * import { CacheMemory, CacheResolver } from "effect-vcache"
 *
 * class FindName extends Request.TaggedClass("FindName")<{ readonly id: number }, string, string> {}
 *
 * const program = Effect.gen(function* () {
 *   const names = yield* CacheResolver.make<FindName, typeof Schema.String>({
 *     value: Schema.String,
 *     key: ({ id }) => `name:${id}`,
 *     lookup: (all) =>
 *       Effect.sync(() => (console.log("asking for", all.length), all.map((one) => [one, `user ${one.id}`]))),
 *     missing: ({ id }) => `there is no user ${id}`
 *   })
 *   const find = (id: number) => Effect.request(new FindName({ id }), names)
 *   return yield* Effect.forEach([1, 2, 1], find, { concurrency: "unbounded" })
 * })
 * console.log(await Effect.runPromise(Effect.provide(program, CacheMemory)))
 * // => asking for 2
 * // => [ 'user 1', 'user 2', 'user 1' ]
 * ```
 *
 * @since 0.2.0
 * @category adapters
 * @see docs/effect-stores.md
 */
export const make = <A extends AnyRequest, S extends ValueSchema<A>, R = never>({
  key,
  lookup,
  missing,
  value,
  ...options
}: ResolverOptions<A, S, R>): Effect.Effect<
  RequestResolver.RequestResolver<A>,
  never,
  CacheService | Exclude<R, Scope.Scope> | Services<S>
> =>
  Effect.gen(function* () {
    const cache = yield* CacheService
    const services = yield* Effect.context<Exclude<R, Scope.Scope> | Services<S>>()
    const values = cache.withSchema(value)
    const supplied = withServices(services)
    return RequestResolver.make<A>((entries) => {
      const requests = new Map(entries.map(({ request }) => [key(request), request]))
      const lookedUp = (keys: ReadonlyArray<string>) =>
        Effect.map(supplied(lookup(keys.flatMap((key) => requests.get(key) ?? []))), (found) =>
          Array.from(found, ([request, value]) => [key(request), value] as const)
        )
      const all = Effect.suspend(() =>
        Effect.map(
          Effect.scoped(lookedUp([...requests.keys()])),
          (found) => new Map(found.map(([key, given]): [string, S["Type"]] => [key, answerOf(given).value]))
        )
      )
      const cached = values.getOrSetMany(requests.keys(), (keys) => failing(lookedUp(keys)), options)
      const found = Effect.catch(cached, (error) => (error._tag === "LookupFailed" ? Effect.fail(error.error) : all))
      return Effect.map(Effect.provideContext(found, services), (values) => {
        const exits = new Map(Array.from(values, ([key, value]) => [key, Exit.succeed(value)]))
        for (const entry of entries) {
          entry.completeUnsafe(exits.get(key(entry.request)) ?? Exit.fail(missing(entry.request)))
        }
      })
    })
  })

/** The lookup's own error, kept apart from what the cache fails with. */
interface LookupFailed<E> {
  readonly _tag: "LookupFailed"
  readonly error: E
}

const failing = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, LookupFailed<E>, R> =>
  Effect.mapError(effect, (error) => ({ _tag: "LookupFailed", error }))
