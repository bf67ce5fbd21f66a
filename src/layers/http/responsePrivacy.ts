/** What a handler does for one visitor only, though its response does not say so. */
import type { HttpServerRequest } from "effect/http"

/**
 * What servers made the requests of. It stays the same where middleware changes a request, and is at hand in whatever fiber or
 * runtime the handler asks for its session.
 */
const privateSources = new WeakSet<object>()

/** From now on no response to the request is for anybody else. */
export const markPrivate = ({ source }: HttpServerRequest.HttpServerRequest): void => void privateSources.add(source)

export const isPrivate = ({ source }: HttpServerRequest.HttpServerRequest): boolean => privateSources.has(source)
