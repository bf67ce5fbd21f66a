import { Schema } from "effect"

/**
 * The session that this request knew is gone: another request destroyed it or gave it a new id, or it expired. Nothing was
 * stored, and the visitor's cookie is left as it is, because it may be another one by now.
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
  override get message(): string {
    return "the session of this request has ended meanwhile"
  }
}
