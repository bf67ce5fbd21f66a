/** The actions of the buttons and the slider of the page. */
import { Effect, Layer, Ref, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Database } from "./database.ts"
import { Aisle } from "./products.ts"
import { Shop } from "./shop.ts"
import { Valkey } from "./valkey.ts"
import { mostVisitors, Visitors } from "./visitors.ts"

const done = HttpServerResponse.empty()
const refused = (reason: string) => HttpServerResponse.text(reason, { status: 409 })

const Rate = Schema.NumberFromString.check(Schema.isBetween({ minimum: 0, maximum: mostVisitors }))

const rate = HttpRouter.add(
  "POST",
  "/visitors/:rate",
  Effect.gen(function* () {
    const { rate } = yield* HttpRouter.schemaPathParams(Schema.Struct({ rate: Rate }))
    yield* Ref.set((yield* Visitors).rate, rate)
    return done
  })
)

const server = HttpRouter.add(
  "POST",
  "/valkey/:action",
  Effect.gen(function* () {
    const Press = Schema.Struct({ action: Schema.Literals(["freeze", "thaw", "kill", "start"]) })
    const { action } = yield* HttpRouter.schemaPathParams(Press)
    const { press } = yield* Valkey
    if (typeof press === "string") return refused(press)
    yield* press(action)
    return done
  })
)

const database = HttpRouter.add(
  "POST",
  "/database/:action",
  Effect.gen(function* () {
    const { action } = yield* HttpRouter.schemaPathParams(Schema.Struct({ action: Schema.Literals(["start", "stop"]) }))
    yield* (yield* Database)[action]
    return done
  })
)

const prices = HttpRouter.add(
  "POST",
  "/prices/:aisle/:mode",
  Effect.gen(function* () {
    const Change = Schema.Struct({ aisle: Aisle, mode: Schema.Literals(["remove", "stale"]) })
    const { aisle, mode } = yield* HttpRouter.schemaPathParams(Change)
    return yield* Effect.match((yield* Shop).changePrices(aisle, mode), {
      onSuccess: () => done,
      onFailure: ({ _tag }) =>
        refused(
          _tag === "DatabaseStopped"
            ? "The database is stopped: no price has changed."
            : `The tag was not invalidated: ${_tag}.`
        )
    })
  })
)

/** No other page presses these buttons. */
const fromThisPage = HttpRouter.middleware((answer) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
    (headers["sec-fetch-site"] ?? "same-origin") === "same-origin"
      ? answer
      : Effect.succeed(HttpServerResponse.empty({ status: 403 }))
  )
)

export const controls = Layer.mergeAll(rate, server, database, prices).pipe(Layer.provide(fromThisPage.layer))
