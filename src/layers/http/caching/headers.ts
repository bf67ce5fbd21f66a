/** Which headers of a response are stored, and what happens to them later. */

export type HeaderRecord = Readonly<Record<string, string>>

const namesIn = (header: string | undefined): ReadonlyArray<string> =>
  (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")

/** The members of a list, in lower case. */
export const membersOf = (header: string | undefined): ReadonlyArray<string> => namesIn(header?.toLowerCase())

/** The headers that requests for this response are told apart by, in order and each once. */
export const varyOf = (headers: HeaderRecord): ReadonlyArray<string> =>
  [...new Set(membersOf(headers["vary"]))].toSorted()

/** The tags that the response says to bear. */
export const cacheTagsOf = (headers: HeaderRecord): ReadonlyArray<string> => namesIn(headers["cache-tag"])

/** They are of one connection (RFC 9110, section 7.6.1), or of one proxy. `Content-Length` follows from the body. */
const neverStored: ReadonlySet<string> = new Set([
  "age",
  "cache-status",
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

export const storedHeaders = (headers: HeaderRecord): Record<string, string> => {
  const ofConnection = new Set(membersOf(headers["connection"]))
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !neverStored.has(name) && !ofConnection.has(name))
  )
}

/** What a 304 says replaces what was stored. */
export const refreshedHeaders = (stored: HeaderRecord, notModified: HeaderRecord): Record<string, string> => ({
  ...stored,
  ...storedHeaders(notModified)
})

/** A 304 has no others. */
const keptWhenUnchanged: ReadonlySet<string> = new Set([
  "age",
  "cache-control",
  "cache-status",
  "content-location",
  "date",
  "etag",
  "expires",
  "last-modified",
  "vary"
])

export const unchangedHeaders = (headers: HeaderRecord): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => keptWhenUnchanged.has(name)))
