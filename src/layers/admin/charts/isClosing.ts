/** Whether a server waits for its responses to end. */
import { Predicate } from "effect"
import type { HttpServerRequest } from "effect/http"

/** A server of Node takes no new connections then. False where the request did not come over one. */
export const isClosing = ({ source }: HttpServerRequest.HttpServerRequest): boolean =>
  Predicate.hasProperty(source, "socket") &&
  Predicate.hasProperty(source.socket, "server") &&
  Predicate.hasProperty(source.socket.server, "listening") &&
  source.socket.server.listening === false
