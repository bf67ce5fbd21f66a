/** Who may look, and who may change what. */
import { Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http"

/**
 * The rights of a visitor. A right that is missing is not given.
 *
 * @since 0.2.0
 * @category admin
 * @see docs/admin.md
 */
export interface AdminRights {
  /** The visitor may see keys and values. Without this right the others count for nothing. Default: false. */
  readonly view?: boolean | undefined
  /** The visitor may change values, lifetimes and elements, and rename keys. Default: false. */
  readonly edit?: boolean | undefined
  /** The visitor may delete keys, invalidate tags, release locks and sign visitors out. Default: false. */
  readonly delete?: boolean | undefined
  /** The visitor may delete all that a cache, or its server, holds. Default: false. */
  readonly flush?: boolean | undefined
}

export type AdminRight = keyof AdminRights

/**
 * A visitor of the admin pages. `authorize` returns it.
 *
 * @since 0.2.0
 * @category admin
 * @see docs/admin.md
 */
export interface AdminVisitor {
  /** The pages show this name, the log has it with each change that the visitor makes, and the tokens of forms depend on it. */
  readonly name: string
  /** These rights hold in every cache that `rightsOf` does not name. */
  readonly rights: AdminRights
  /** These rights hold in single caches in place of `rights`, by the keys of their tags. Default: `rights` in every cache. */
  readonly rightsOf?: Readonly<Record<string, AdminRights>> | undefined
}

/**
 * Returns the visitor who sends a request, with the visitor's rights. The pages answer undefined with 403.
 *
 * @since 0.2.0
 * @category admin
 * @see docs/admin.md
 */
export type Authorize<R> = (
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<AdminVisitor | undefined, never, R>

/** Whether the visitor has that right in the cache of that name. */
export const may = ({ rights, rightsOf = {} }: AdminVisitor, right: AdminRight, cache: string): boolean => {
  const own = (Object.hasOwn(rightsOf, cache) ? rightsOf[cache] : undefined) ?? rights
  return own.view === true && own[right] === true
}

const loopbackAddress = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i
const ofProxies = /^(?:forwarded|via|x-forwarded-.*|x-real-ip)$/i

/**
 * Accepts direct visitors from this machine. The address alone is not enough. A stranger's page may resolve its own name to 127.0.0.1
 * (DNS rebinding); the Host header shows this. A proxy on this machine may forward requests from elsewhere; its headers show this.
 */
export const fromThisMachine: Authorize<never> = ({ headers, peerAddress, remoteAddress }) =>
  Effect.sync(() => {
    // A middleware may replace `remoteAddress` by what a proxy says. `peerAddress` stays the peer of the connection.
    const isLoopback = [peerAddress, remoteAddress].every(
      (address) => Option.isSome(address) && loopbackAddress.test(address.value)
    )
    const isDirect = !Object.keys(headers).some((name) => ofProxies.test(name))
    const isHere = isLoopback && loopbackHost.test(headers["host"] ?? "")
    return isDirect && isHere ? { name: "this machine", rights: { view: true } } : undefined
  })
