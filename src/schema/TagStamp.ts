/** What an entry bears of its tags: their names, and what their tokens were when the entry was made. */
import { FormatError } from "./FormatError.ts"

export interface TagStamp {
  /** The names as they stand in the header: escaped, sorted, with commas between them. */
  readonly names: string
  /** A digest of what no invalidation that removes leaves as it is. */
  readonly hard: string
  /** A digest of what no invalidation at all leaves as it is. */
  readonly soft: string
  /** The history of the server that the tokens came from; empty where the server hides it. */
  readonly era: string
}

export const maxTags = 64
export const maxTagBytes = 1024

/** Why the names cannot be the tags of an entry; undefined when they can. */
export const tagsRefusal = (tags: unknown): string | undefined =>
  Array.isArray(tags) && tags.length > maxTags ? `an entry can have at most ${maxTags} tags` : namesRefusal(tags)

/** Why the names cannot be tags; undefined when they can. */
export const namesRefusal = (tags: unknown): string | undefined => {
  if (!Array.isArray(tags)) return "tags must be a list"
  const names: ReadonlyArray<unknown> = tags
  for (const name of names) {
    if (typeof name !== "string") return "a tag must be text"
    if (name === "") return "a tag must not be empty"
    if (!name.isWellFormed()) return "a tag must not contain a lone surrogate"
    // A UTF-16 unit takes at most three bytes.
    if (name.length * 3 > maxTagBytes && Buffer.byteLength(name) > maxTagBytes) {
      return `a tag must not exceed ${maxTagBytes} bytes`
    }
  }
  return undefined
}

/** Each name once, in an order that does not depend on the caller's. */
export const normalTags = (tags: Iterable<string>): ReadonlyArray<string> => [...new Set(tags)].toSorted()

const isPlain = /^[\w.:/-]*$/

/** What a header holds of a name is letters, digits and a few signs, whatever the name is. */
const escapeTag = (name: string): string =>
  isPlain.test(name)
    ? name
    : encodeURIComponent(name).replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** Of names in their normal order. */
export const tagNames = (tags: ReadonlyArray<string>): string => tags.map(escapeTag).join(",")

/** The names that a header holds. Throws where it holds none of ours. */
export const tagsIn = (names: string): ReadonlyArray<string> => {
  if (!names.includes("%")) return names.split(",")
  try {
    return names.split(",").map(decodeURIComponent)
  } catch {
    throw new FormatError("the tags of the stored value are damaged")
  }
}

export const tagText = ({ era, hard, names, soft }: TagStamp): string => `~${names};${hard};${soft};${era}`
