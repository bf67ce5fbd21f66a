/** The cookie of sessions: its settings, checked before there is a request. */
import { Duration, Exit } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { refused } from "../../schema/failures.ts"
import type { SessionExpiry } from "../../services/SessionStore.ts"

/**
 * Settings of the cookie by RFC 6265bis. Those that no browser would accept fail the layer.
 *
 * @since 0.2.0
 * @category sessions
 * @see docs/sessions.md
 */
export interface CookieOptions {
  /** Default: `"session"`. `__Host-` and `__Secure-` in front have the browser insist on what they stand for. */
  readonly name?: string | undefined
  /** Default: `"/"`. */
  readonly path?: string | undefined
  /** Default: the host that was asked, and no other. */
  readonly domain?: string | undefined
  /** Whether browsers send it over HTTPS only. Default: true. */
  readonly secure?: boolean | undefined
  /** Whether it is hidden from scripts. Default: true. */
  readonly httpOnly?: boolean | undefined
  /** Default: `"lax"`. `"none"` needs `secure`. */
  readonly sameSite?: "lax" | "strict" | "none" | undefined
}

export interface CookieSettings {
  readonly name: string
  readonly attributes: {
    readonly path: string
    readonly domain: string | undefined
    readonly secure: boolean
    readonly httpOnly: boolean
    readonly sameSite: "lax" | "strict" | "none"
  }
}

/** A token of HTTP. */
const nameGrammar = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const pathGrammar = /^\/[ -:<-~]*$/
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
const domainGrammar = new RegExp(`^\\.?${label}(?:\\.${label})*$`, "i")
const sameSites: ReadonlySet<string> = new Set(["lax", "strict", "none"])

const refusalOf = ({ attributes: { domain, path, sameSite, secure }, name }: CookieSettings): string | undefined => {
  if (!nameGrammar.test(name)) return "the name of a cookie must be an HTTP token: letters, digits and some punctuation"
  if (domain !== undefined && !domainGrammar.test(domain)) return "the domain of a cookie must be a host name"
  if (!pathGrammar.test(path)) return "the path of a cookie must begin with a slash, and must not contain a semicolon"
  if (!sameSites.has(sameSite)) return "sameSite must be lax, strict or none"
  if (sameSite === "none" && !secure)
    return "a cookie with sameSite none must be secure, because browsers refuse it otherwise"
  if (/^__secure-/i.test(name) && !secure)
    return "a cookie whose name begins with __Secure- must be secure, because browsers refuse it otherwise"
  if (/^__host-/i.test(name) && !(secure && domain === undefined && path === "/")) {
    return "a cookie whose name begins with __Host- must be secure, without a domain, and with the path /, because browsers refuse it otherwise"
  }
  return undefined
}

export const cookieSettings = ({
  domain,
  httpOnly = true,
  name = "session",
  path = "/",
  sameSite = "lax",
  secure = true
}: CookieOptions): Exit.Exit<CookieSettings, CacheInputError> => {
  const settings: CookieSettings = { name, attributes: { domain, httpOnly, path, sameSite, secure } }
  const reason = refusalOf(settings)
  return reason === undefined ? Exit.succeed(settings) : refused("HttpSessions", reason)
}

/** The longest that browsers keep a cookie. */
const longest = Duration.days(400)

/** How long browsers keep it. Of sessions that slide the server knows best when they end; undefined: until the browser ends. */
export const maxAgeOf = (expiry: SessionExpiry, expiresIn: Duration.Duration): Duration.Duration | undefined => {
  if (expiry === "browser") return undefined
  if (expiry === "sliding") return longest
  return Duration.seconds(Math.ceil(Duration.toSeconds(Duration.min(expiresIn, longest))))
}
