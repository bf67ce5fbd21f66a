/** Bodies that can be had whole. */
import type { HttpServerResponse } from "effect/http"
import type { Whole } from "./Exchange.ts"

/** Of a handler: what streams is not waited for. */
export const wholeBody = (response: HttpServerResponse.HttpServerResponse, maxBytes: number): Whole => {
  const { body } = response
  const bytes = body._tag === "Uint8Array" ? body.body : body._tag === "Empty" ? new Uint8Array() : undefined
  return { response, body: bytes === undefined || bytes.length > maxBytes ? undefined : bytes }
}
