/** Somebody else who has the same data: another client over the same servers, or the same one where the store is in this process. */
import { Context, Effect, Layer } from "effect"
import { ValkeyClient, type ValkeyClientShape } from "effect-vcache"

export class Elsewhere extends Context.Service<Elsewhere, ValkeyClientShape>()("test/Elsewhere") {}

/** The client, and another one like it. */
export const withElsewhere = <E, R>(
  client: Layer.Layer<ValkeyClient, E, R>
): Layer.Layer<ValkeyClient | Elsewhere, E, R> =>
  Layer.merge(
    client,
    Layer.effect(
      Elsewhere,
      Effect.flatMap(Layer.build(Layer.fresh(client)), (context) => Effect.provideContext(ValkeyClient, context))
    )
  )

/** In memory there is nobody else. */
export const elsewhereIsHere = <E, R>(
  client: Layer.Layer<ValkeyClient, E, R>
): Layer.Layer<ValkeyClient | Elsewhere, E, R> => Layer.provideMerge(Layer.effect(Elsewhere, ValkeyClient), client)
