/** What both processes know of prices. */
import { Effect, Schema } from "effect"
import { CacheRegion } from "effect-vcache"

export class Prices extends CacheRegion.Service<Prices>()("shop/Prices", {
  key: Schema.String,
  value: Schema.Int,
  timeToLive: "1 hour",
  lookup: () => Effect.succeed(0)
}) {}
