/** Server-sent events: each look, as JSON. */
import { Effect, Stream } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Looks } from "./looks.ts"

export const events = HttpRouter.add(
  "GET",
  "/events",
  Effect.map(Looks, (looks) =>
    HttpServerResponse.stream(Stream.encodeText(Stream.map(looks, (look) => `data: ${JSON.stringify(look)}\n\n`)), {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-store" }
    })
  )
)
