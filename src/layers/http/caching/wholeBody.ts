/** Bodies that can be had whole. */
import { Effect, Pull, type Scope, Stream } from "effect"
import { HttpBody, HttpServerResponse } from "effect/http"
import type { Whole } from "./Exchange.ts"

/** Of a handler: what streams is not waited for. */
export const wholeBody = (response: HttpServerResponse.HttpServerResponse, maxBytes: number): Whole => {
  const { body } = response
  const bytes = body._tag === "Uint8Array" ? body.body : body._tag === "Empty" ? new Uint8Array() : undefined
  return { response, body: bytes === undefined || bytes.length > maxBytes ? undefined : bytes }
}

/** Of a server that is asked: read as far as it may be stored. What is longer goes on as a stream. */
export const readWhole = <E>(
  response: HttpServerResponse.HttpServerResponse,
  stream: Stream.Stream<Uint8Array, E>,
  maxBytes: number
): Effect.Effect<Whole, E, Scope.Scope> => {
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) return Effect.succeed({ response, body: undefined })
  return Effect.gen(function* () {
    const pull = yield* Stream.toPull(stream)
    const chunks: Array<Uint8Array> = []
    let length = 0
    while (length <= maxBytes) {
      const next = yield* Pull.catchDone(pull, () => Effect.succeed(undefined))
      if (next === undefined) return withBytes(response, Buffer.concat(chunks))
      chunks.push(...next)
      length += next.reduce((sum, chunk) => sum + chunk.length, 0)
    }
    const rest = Stream.concat(Stream.fromIterable(chunks), Stream.fromPull(Effect.succeed(pull)))
    const body = HttpBody.stream(rest, response.headers["content-type"])
    return { response: HttpServerResponse.setBody(response, body), body: undefined }
  })
}

/** It can be read once more, where it is not stored after all. */
const withBytes = (response: HttpServerResponse.HttpServerResponse, body: Uint8Array): Whole => ({
  response: HttpServerResponse.setBody(response, HttpBody.uint8Array(body, response.headers["content-type"])),
  body
})
