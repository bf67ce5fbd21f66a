/** The search of a visitor among the keys of a cache, and its results. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { isKeyType } from "../../../schema/Command.ts"
import { isSameSecret } from "../../../schema/isSameSecret.ts"
import { memoryUsageOf } from "../../inspection/memoryUsage.ts"
import { addressOf, type ShownCache, type Visit } from "../kernel/Visit.ts"
import { fromParam, spaceOf, toParam } from "./keyAddress.ts"
import { type Found, search, taggedKeys } from "./search.ts"

/** Keys of one page. A page may have a few more, because the search reads whole pages of a server. */
const most = 100
/** Keys that are measured to find the largest. */
const mostMeasured = 5000

export interface KeySearch {
  readonly pattern: string
  readonly type: string
  readonly tag: string
  /** Whether the visitor wants the largest keys of a sample, and not all keys in the order of the servers. */
  readonly largest: boolean
  /** The cursor where the previous page ended; undefined for the first page. */
  readonly from: string | undefined
}

export interface FoundKey {
  /** The user key. */
  readonly key: string
  /** Bytes of memory; undefined if the search has not measured them. */
  readonly bytes: number | undefined
}

/** Seals a cursor. A page accepts only cursors that were sealed for this cache, by this process or by one with the same secret. */
const sealOf = ({ seal }: Visit, { name }: ShownCache, cursor: string): string =>
  seal(JSON.stringify(["cursor", name, cursor]))

/** The search that the address describes, or a sentence that says why the address is not valid. */
export const searchIn = (visit: Visit, shown: ShownCache): KeySearch | string => {
  const { params } = visit
  const wanted = {
    pattern: params.get("pattern") || "*",
    type: params.get("type") ?? "",
    tag: params.get("tag") ?? "",
    largest: params.get("order") === "largest"
  }
  for (const [name, text] of Object.entries({ pattern: wanted.pattern, tag: wanted.tag })) {
    if (!text.isWellFormed() || text.length > 4096) return `The ${name} is not valid text, or is too long.`
  }
  const from = params.get("from")
  if (from === null) return { ...wanted, from: undefined }
  const [param = "", mark = ""] = from.split(".")
  const cursor = fromParam(param).toString()
  return isSameSecret(mark, sealOf(visit, shown, cursor))
    ? { ...wanted, from: cursor }
    : "The address continues a search that these pages do not know any more. Search again."
}

/** The address that continues the same search from a cursor. */
export const searchAddress = (
  visit: Visit,
  shown: ShownCache,
  { largest, pattern, tag, type }: KeySearch,
  from: string | undefined,
  more: Readonly<Record<string, string>> = {}
): string =>
  addressOf(visit.path, "keys", {
    c: shown.name,
    pattern,
    ...(type === "" ? {} : { type }),
    ...(tag === "" ? {} : { tag }),
    ...(largest ? { order: "largest" } : {}),
    ...(from === undefined ? {} : { from: `${toParam(from)}.${sealOf(visit, shown, from)}` }),
    ...more
  })

/** Searches the keys of this cache, its prefix and its version, and says how many were measured. */
export const foundBy = (
  visit: Visit,
  shown: ShownCache,
  wanted: KeySearch
): Effect.Effect<Found<FoundKey> & { readonly measured: number }, CommandError> =>
  Effect.suspend(() => {
    const { client } = shown.cache
    const { match, userKey } = spaceOf(shown, wanted.pattern)
    // Only strings have tags.
    const type = wanted.tag !== "" && wanted.type === "" ? "string" : wanted.type
    const keysOf = taggedKeys(client, wanted.tag, (final) => {
      const key = userKey(final)
      // The tags of a hidden value are hidden, too.
      return wanted.tag !== "" && key !== undefined && visit.hide(key, shown.name) ? undefined : key
    })
    const keep = (finals: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const keys = yield* keysOf(finals)
        const own = finals.filter((_, at) => keys[at] !== undefined)
        const sizes = wanted.largest ? yield* memoryUsageOf(client, own) : []
        const bytes = new Map(own.map((final, at) => [final, sizes[at]]))
        return finals.map((final, at): FoundKey | undefined => {
          const key = keys[at]
          return key === undefined ? undefined : { key, bytes: bytes.get(final) }
        })
      })
    const options = {
      match,
      from: wanted.from,
      most: wanted.largest ? mostMeasured : most,
      ...(isKeyType(type) ? { type } : {})
    }
    return Effect.map(search(client, options, keep), (result) =>
      wanted.largest
        ? { ...result, found: largestOf(result.found), measured: result.found.size }
        : { ...result, measured: 0 }
    )
  })

const largestOf = (found: ReadonlyMap<string, FoundKey>): ReadonlyMap<string, FoundKey> =>
  new Map([...found].toSorted(([, a], [, b]) => (b.bytes ?? 0) - (a.bytes ?? 0)).slice(0, most))
