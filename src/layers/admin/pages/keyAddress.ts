/** Which keys belong to a cache, and how addresses name them: as base64url in the query, because a key is any text. */
import { keyRefusal, type KeySpace, keySpace } from "../../../schema/key.ts"
import { utf8Text } from "../../../schema/utf8Text.ts"
import { addressOf, type ShownCache, type Visit } from "../kernel/Visit.ts"

export const toParam = (bytes: string | Buffer): string => Buffer.from(bytes).toString("base64url")

export const fromParam = (param: string | null): Buffer => Buffer.from(param ?? "", "base64url")

export const keyAddress = (
  { path }: Visit,
  cache: string,
  key: string,
  more: Readonly<Record<string, string>> = {}
): string => addressOf(path, "key", { c: cache, k: toParam(key), ...more })

/** The keys of the cache that match the pattern. Locks, other prefixes and other versions are not among them. */
export const spaceOf = ({ cache }: ShownCache, pattern = "*"): KeySpace => {
  const { keyFunction, prefix, version } = cache.options
  return keySpace(keyFunction, { prefix, version }, pattern)
}

/** The user key; undefined if this cache cannot have it. */
export const ownKey = (shown: ShownCache, key: string | undefined): string | undefined => {
  if (key === undefined || keyRefusal(key) !== undefined) return undefined
  return spaceOf(shown).userKey(shown.cache.makeKey(key)) === key ? key : undefined
}

/** The key that the address names; undefined if this cache cannot have it. */
export const addressedKey = (shown: ShownCache, { params }: Visit): string | undefined =>
  ownKey(shown, utf8Text(fromParam(params.get("k"))))

/** The beginning of a text that is longer than this many characters. It does not end within a surrogate pair. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, "")}… (${text.length} characters)`

/** A long key would fill a list. */
export const shortKey = (key: string): string => shortened(key, 200)
