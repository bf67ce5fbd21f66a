/**
 * How long a response is fresh, stale and kept, by RFC 9111 and RFC 5861. Own code in place of http-cache-semantics: that
 * counts the stale windows as freshness, stores all headers of the request, and reads dates that are none.
 */
import { type Directives, parseDirectives, parseTargeted } from "./Directives.ts"
import { type HeaderRecord, membersOf } from "./headers.ts"
import { parseDate } from "./httpDate.ts"

/** Of one cache. Times are in milliseconds. */
export interface FreshnessRules {
  /** It answers more than one user. */
  readonly isShared: boolean
  /** A response that says nothing of its freshness, and was last modified at a time that it says, is fresh for a tenth of its age. */
  readonly heuristics: boolean
  /** How long a response is fresh that says nothing of it; undefined = not at all. */
  readonly timeToLive: number | undefined
  readonly staleFor: number
  readonly staleIfError: number
  /** How long past its freshness a response with a validator is kept. */
  readonly validateFor: number
}

/** Instants, in milliseconds since 1970. */
export interface Freshness {
  /** When it was made, as far as its age tells. */
  readonly bornAt: number
  readonly freshUntil: number
  /** Until when it may be served while another is made. */
  readonly staleUntil: number
  /** Until when it may be served where no other can be made. */
  readonly errorUntil: number
  readonly keptUntil: number
}

/** Statuses whose responses may be stored without being told to (RFC 9110, section 15.1). A 206 is none that we store. */
const heuristicallyCacheable: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])

/** Statuses whose rules for caches are observed here, for `must-understand`. */
const isUnderstood = (status: number): boolean =>
  heuristicallyCacheable.has(status) || [302, 303, 307, 400, 403, 500, 502, 503, 504].includes(status)

const mostHeuristic = 86_400_000

interface Received {
  readonly requestHeaders: HeaderRecord
  readonly status: number
  readonly headers: HeaderRecord
  /** When it was asked for, and when it was there. */
  readonly askedAt: number
  readonly now: number
}

/** Undefined where the response is not to be stored. */
export const freshnessOf = (received: Received, rules: FreshnessRules): Freshness | undefined => {
  const { headers, now, requestHeaders, status } = received
  const targeted = rules.isShared ? parseTargeted(headers["cdn-cache-control"]) : undefined
  const directives = targeted ?? parseDirectives(headers["cache-control"])
  if (status < 200 || status === 206 || status === 304) return undefined
  const isOverruled = directives.has("must-understand") && isUnderstood(status)
  if (directives.has("must-understand") && !isOverruled) return undefined
  if (directives.has("no-store") && !isOverruled) return undefined
  if (rules.isShared && (directives.has("private") || isPersonal(requestHeaders, directives))) return undefined

  const mustValidate = directives.has("no-cache")
  const lifetime = mustValidate ? 0 : lifetimeOf(received, rules, directives, targeted !== undefined)
  if (lifetime === undefined) return undefined
  const isStrict =
    mustValidate ||
    directives.has("must-revalidate") ||
    (rules.isShared && (directives.has("proxy-revalidate") || directives.has("s-maxage")))
  const window = (name: string, otherwise: number): number => {
    if (isStrict) return 0
    const seconds = directives.seconds(name)
    return seconds === undefined ? otherwise : seconds * 1000
  }
  const hasValidator = headers["etag"] !== undefined || parseDate(headers["last-modified"], now) !== undefined
  const bornAt = now - initialAge(received)
  const freshUntil = bornAt + lifetime
  const staleUntil = freshUntil + window("stale-while-revalidate", rules.staleFor)
  const errorUntil = freshUntil + window("stale-if-error", rules.staleIfError)
  const keptUntil = Math.max(staleUntil, errorUntil, freshUntil + (hasValidator ? rules.validateFor : 0))
  return keptUntil > now ? { bornAt, freshUntil, staleUntil, errorUntil, keptUntil } : undefined
}

/** Whether the request shows who sends it. */
export const showsCredentials = (requestHeaders: HeaderRecord): boolean =>
  requestHeaders["authorization"] !== undefined || requestHeaders["cookie"] !== undefined

/** Others may only have what was made for a known visitor where it says that they may. */
const isPersonal = (requestHeaders: HeaderRecord, directives: Directives): boolean =>
  showsCredentials(requestHeaders) && !directives.has("public") && !directives.has("s-maxage")

/** Milliseconds; undefined where nothing tells. */
const lifetimeOf = (
  received: Received,
  rules: FreshnessRules,
  directives: Directives,
  isTargeted: boolean
): number | undefined => {
  const { headers, now, status } = received
  const seconds = (rules.isShared ? directives.seconds("s-maxage") : undefined) ?? directives.seconds("max-age")
  if (seconds !== undefined) return seconds * 1000
  const date = parseDate(headers["date"], now) ?? now
  // What is no date is one of the past.
  if (!isTargeted && headers["expires"] !== undefined) {
    return Math.max(0, (parseDate(headers["expires"], now) ?? 0) - date)
  }
  const mayBeGuessed = heuristicallyCacheable.has(status) || directives.has("public")
  if (!mayBeGuessed) return undefined
  if (rules.timeToLive !== undefined && rules.timeToLive > 0) return rules.timeToLive
  const modified = rules.heuristics ? parseDate(headers["last-modified"], now) : undefined
  return modified === undefined ? undefined : Math.min(mostHeuristic, Math.max(0, date - modified) / 10)
}

/** How old it was when it came, never less than zero (RFC 9111, section 4.2.3). */
const initialAge = ({ askedAt, headers, now }: Received): number => {
  const apparent = Math.max(0, now - (parseDate(headers["date"], now) ?? now))
  const [first = ""] = membersOf(headers["age"])
  const given = /^\d+$/.test(first) ? Math.min(Number(first), 2 ** 31) * 1000 : 0
  return Math.max(apparent, given === 0 ? 0 : given + Math.max(0, now - askedAt))
}
