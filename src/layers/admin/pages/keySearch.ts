/** What a visitor looks for among the keys of a cache, and what is found of it. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { isKeyType } from "../../../schema/Command.ts"
import { isSameSecret } from "../../../schema/isSameSecret.ts"
import { memoryUsageOf } from "../../inspection/memoryUsage.ts"
import { tagsAt } from "../../inspection/tagsAt.ts"
import { addressOf, type ShownCache, type Visit } from "../kernel/Visit.ts"
import { fromParam, spaceOf, toParam } from "./keyAddress.ts"
import { type Found, search } from "./search.ts"

/** Keys of one page; a few more where they come together. */
const most = 100
/** Keys that are measured for one page of the largest. */
const mostMeasured = 5000

export interface KeySearch {
  readonly pattern: string
  readonly type: string
  readonly tag: string
  /** The largest of a sample, and not all in the order of the servers. */
  readonly largest: boolean
  /** Where the page before has ended; undefined at the beginning. */
  readonly from: string | undefined
}

export interface FoundKey {
  /** The user key. */
  readonly key: string
  /** Bytes of memory, where that was asked. */
  readonly bytes: number | undefined
}

/** The cursor of a page is taken only as it was given out: for this cache, and by this process or one with its secret. */
const sealOf = ({ seal }: Visit, { name }: ShownCache, cursor: string): string =>
  seal(JSON.stringify(["cursor", name, cursor]))

/** The search that the address is about, or why it is none. */
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

/** The address of the same search from there on. */
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

/** What is found, only of this cache, its prefix and its version; and how many keys were measured. */
export const foundBy = (
  visit: Visit,
  shown: ShownCache,
  wanted: KeySearch
): Effect.Effect<Found<FoundKey> & { readonly measured: number }, CommandError> =>
  Effect.suspend(() => {
    const { client } = shown.cache
    const { match, userKey } = spaceOf(shown, wanted.pattern)
    // Nothing but a string bears tags.
    const type = wanted.tag !== "" && wanted.type === "" ? "string" : wanted.type
    const bearing = (finals: ReadonlyArray<string>) =>
      wanted.tag === ""
        ? Effect.succeed(finals.map(userKey))
        : Effect.map(tagsAt(client, finals), (tags) =>
            finals.map((final, at) => {
              const key = userKey(final)
              // The tags of a value that is hidden are hidden with it.
              const isFound = key !== undefined && !visit.hide(key, shown.name) && tags[at]?.includes(wanted.tag)
              return isFound === true ? key : undefined
            })
          )
    const keep = (finals: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const keys = yield* bearing(finals)
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
