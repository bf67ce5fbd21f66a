/** Puts the operations of a cache together. */
import { Effect, type Schema, type Scope } from "effect"
import type { CacheOptionsShape } from "../../schema/CacheOptions.ts"
import { schemaCodec, unknownCodec, type ValueCodec } from "../../schema/ValueCodec.ts"
import type { TypedCache } from "../CacheService.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import { batchOperations } from "./batchOperations.ts"
import { makeContext } from "./context.ts"
import { counterOperations } from "./counters.ts"
import { checkHealth } from "./health.ts"
import { keySpaceOperations } from "./keySpace.ts"
import { lifetimeOperations } from "./lifetimes.ts"
import { lookupOperations } from "./lookup.ts"
import { SingleFlight } from "./SingleFlight.ts"
import { valueOperations } from "./values.ts"

/** A cache over a client. Lookups that are under way live in the scope. */
export const make = (
  client: ValkeyClientShape,
  options: CacheOptionsShape
): Effect.Effect<TypedCache<unknown>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    // One codec and one table of flights for each schema, however often the cache is seen through it.
    const views = new WeakMap<Schema.Constraint, unknown>()
    const viewOf = <S extends Schema.Constraint>(schema: S): View<S> => {
      const known = views.get(schema)
      // The map holds for each schema the view made of it.
      if (known !== undefined) return known as View<S>
      const view: View<S> = { codec: schemaCodec(schema), flights: new SingleFlight(scope) }
      views.set(schema, view)
      return view
    }

    const typedCache = <A, RD, RE>(
      codec: ValueCodec<A, RD, RE>,
      flights: SingleFlight,
      options: CacheOptionsShape
    ): TypedCache<A, RD, RE> => {
      const context = makeContext(client, options, codec, flights)
      const values = valueOperations(context)
      return {
        ...values,
        ...batchOperations(context),
        ...counterOperations(context),
        ...lifetimeOperations(context),
        ...lookupOperations(context, values),
        ...keySpaceOperations(context),
        withSchema: (schema) => {
          const view = viewOf(schema)
          return typedCache(view.codec, view.flights, options)
        },
        withOptions: (changes) => typedCache(codec, flights, { ...options, ...changes }),
        options,
        makeKey: (key, keyOptions) =>
          options.keyFunction.make({ prefix: options.prefix, version: keyOptions?.version ?? options.version, key }),
        reverseKey: (finalKey, keyOptions) =>
          options.keyFunction.reverse(finalKey, {
            prefix: options.prefix,
            version: keyOptions?.version ?? options.version
          }),
        health: checkHealth(client),
        client
      }
    }

    return typedCache(unknownCodec, new SingleFlight(scope), options)
  })

interface View<S extends Schema.Constraint> {
  readonly codec: ValueCodec<S["Type"], S["DecodingServices"], S["EncodingServices"]>
  readonly flights: SingleFlight
}
