import { Schema } from "effect"

/**
 * The session that this request knew is gone: another request destroyed it or gave it a new id, or it expired. Nothing was
 * stored, and the visitor's cookie is left as it is, because it may be another one by now.
 *
 * @example
 * ```ts
 * import { Config, Effect, Schema } from "effect"
 * import { HttpServerResponse } from "effect/http"
 * import { HttpSessions } from "effect-vcache/http"
 *
 * class Visit extends HttpSessions.Service<Visit>()("app/Visit", {
 *   data: Schema.Struct({ cart: Schema.Array(Schema.String) }),
 *   secrets: Config.Redacted("SESSION_SECRET")
 * }) {}
 *
 * // A request that logs out may end the session while this one works.
 * export const addToCart = Visit.use((visit) => visit.set({ cart: ["tea"] })).pipe(
 *   Effect.as(HttpServerResponse.empty()),
 *   Effect.catchTag("SessionEnded", () => Effect.succeed(HttpServerResponse.text("sign in again", { status: 409 })))
 * )
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/sessions.md
 */
export class SessionEnded extends Schema.TaggedError<SessionEnded>("effect-vcache/SessionEnded")(
  "SessionEnded",
  {},
  { httpApiStatus: 409 }
) {
  /** The failure in one sentence. */
  override get message(): string {
    return "the session of this request has ended meanwhile"
  }
}
