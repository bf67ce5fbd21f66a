/** Who may look. */
import { Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http"

/** What a visitor may do. What is missing is not allowed. */
export interface AdminRights {
  readonly view?: boolean | undefined
}

export interface AdminVisitor {
  /** Shown on the pages. */
  readonly name: string
  readonly rights: AdminRights
}

/** Undefined is refused with 403. */
export type Authorize<R> = (
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<AdminVisitor | undefined, never, R>

const loopbackAddress = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i
const ofProxies = /^(?:forwarded|via|x-forwarded-.*|x-real-ip)$/i

/**
 * Direct visitors from this machine. The address alone does not do: a page of a stranger may have its own name lead to 127.0.0.1
 * (DNS rebinding), which the Host tells; and a proxy on this machine hands on the requests of the world, which its headers tell.
 */
export const fromThisMachine: Authorize<never> = ({ headers, peerAddress, remoteAddress }) =>
  Effect.sync(() => {
    // A middleware may have replaced the one by what a proxy says; the other is the peer of the connection.
    const isLoopback = [peerAddress, remoteAddress].every(
      (address) => Option.isSome(address) && loopbackAddress.test(address.value)
    )
    const isDirect = !Object.keys(headers).some((name) => ofProxies.test(name))
    const isHere = isLoopback && loopbackHost.test(headers["host"] ?? "")
    return isDirect && isHere ? { name: "this machine", rights: { view: true } } : undefined
  })
