/** Detects that the HTTP server of a request has begun to close. */
import { Predicate } from "effect"
import type { HttpServerRequest } from "effect/http"

/** A Node server that closes stops listening first, and then waits for open responses. False if the request did not come from a Node server. */
export const isClosing = ({ source }: HttpServerRequest.HttpServerRequest): boolean =>
  Predicate.hasProperty(source, "socket") &&
  Predicate.hasProperty(source.socket, "server") &&
  Predicate.hasProperty(source.socket.server, "listening") &&
  source.socket.server.listening === false
