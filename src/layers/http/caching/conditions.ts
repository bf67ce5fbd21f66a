/** What a client says of the response that it has, or wants a part of (RFC 9110, sections 13 and 14). */
import type { HeaderRecord } from "./headers.ts"
import { parseDate } from "./httpDate.ts"

/** Of a stored response with status 200; conditions mean nothing for others. */
export interface Representation {
  readonly status: number
  readonly headers: HeaderRecord
  readonly storedAt: number
}

const opaque = (tag: string): string => tag.trim().replace(/^W\//, "")

/** Entity tags hold commas. */
const tagsOf = (header: string): ReadonlyArray<string> => header.match(/(?:W\/)?"[^"]*"|[^\s,]+/g) ?? []

/** Whether what the client has is what there is. */
export const isUnchanged = (asked: HeaderRecord, { headers, status, storedAt }: Representation): boolean => {
  if (status !== 200) return false
  const tags = asked["if-none-match"]
  if (tags !== undefined) {
    const { etag } = headers
    return tags.trim() === "*" || (etag !== undefined && tagsOf(tags).map(opaque).includes(opaque(etag)))
  }
  const since = parseDate(asked["if-modified-since"], storedAt)
  if (since === undefined) return false
  const modified = parseDate(headers["last-modified"] ?? headers["date"], storedAt)
  return modified !== undefined && modified <= since
}

/** From, and up to but not including. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** The one part that is asked for: none where the whole is to be given, "unsatisfiable" where there is no such part. */
export const rangeOf = (
  asked: HeaderRecord,
  { headers, status, storedAt }: Representation,
  length: number
): ByteRange | "unsatisfiable" | undefined => {
  const parsed = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/.exec(asked["range"] ?? "")
  if (status !== 200 || parsed === null) return undefined
  const [, first = "", last = ""] = parsed
  if (first === "" && last === "") return undefined
  const condition = asked["if-range"]
  if (condition !== undefined && !isOfThat(condition.trim(), headers, storedAt)) return undefined
  if (first === "") {
    const count = Math.min(length, Number(last))
    return count === 0 ? "unsatisfiable" : { start: length - count, end: length }
  }
  const start = Number(first)
  const end = last === "" ? length : Math.min(length, Number(last) + 1)
  if (last !== "" && Number(last) < start) return undefined
  return start < end ? { start, end } : "unsatisfiable"
}

/** Only a strong validator says that the parts fit. */
const isOfThat = (condition: string, headers: HeaderRecord, storedAt: number): boolean => {
  if (condition.startsWith('"')) return condition === headers["etag"]
  const date = parseDate(condition, storedAt)
  return date !== undefined && date === parseDate(headers["last-modified"], storedAt)
}

/** The ETag that the maker of a response gave it, and the headers that ask whether the response has changed: undefined without an ETag and a date. */
export const validatorsOf = ({ headers, madeEtag }: { readonly headers: HeaderRecord; readonly madeEtag: boolean }) => {
  const etag = madeEtag ? undefined : headers["etag"]
  const modified = headers["last-modified"]
  const asking: HeaderRecord = {
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(modified === undefined ? {} : { "if-modified-since": modified })
  }
  return { etag, headers: etag === undefined && modified === undefined ? undefined : asking }
}
