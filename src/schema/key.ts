/** Keys: how a user key becomes a final key, which keys are refused, and how whole key spaces are matched. */
import { RegExp as RegularExpression } from "effect"
import { isReserved } from "./reservedKeys.ts"

/**
 * Turns user keys into final keys and back. `make` must keep `key` recognisable, so that patterns work in its place.
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export interface KeyFunction {
  /** The final key of a user key. Different user keys must have different final keys. */
  readonly make: (parts: { readonly prefix: string; readonly version: number; readonly key: string }) => string
  /** The user key of a final key that `make` has made with the same prefix and version. */
  readonly reverse: (finalKey: string, parts: { readonly prefix: string; readonly version: number }) => string
}

/** A name that ends where the next separator stands, so that `a` with the key `b:c` and `a:b` with the key `c` differ. */
export const escapeName = (name: string): string =>
  /[%:]/.test(name) ? name.replace(/[%:]/g, (character) => (character === ":" ? "%3A" : "%25")) : name

/**
 * `prefix:version:key`; within the prefix a colon is written `%3A`, and `%` is written `%25`.
 *
 * @example
 * ```ts
 * import { CacheMemory, defaultKeyFunction } from "effect-vcache"
 *
 * console.log(defaultKeyFunction.make({ prefix: "shop", version: 1, key: "user:1" }))
 * // => shop:1:user:1
 *
 * // Keys as an older program has named them.
 * export const cache = CacheMemory.layer({
 *   keyFunction: {
 *     make: ({ key, prefix }) => `${prefix}/${key}`,
 *     reverse: (key, { prefix }) => key.slice(prefix.length + 1)
 *   }
 * })
 * ```
 *
 * @since 0.2.0
 * @category keys
 * @see docs/operations.md
 */
export const defaultKeyFunction: KeyFunction = {
  make: ({ prefix, version, key }) => `${escapeName(prefix)}:${version}:${key}`,
  reverse: (finalKey, { prefix, version }) => {
    const head = `${escapeName(prefix)}:${version}:`
    return finalKey.startsWith(head) ? finalKey.slice(head.length) : finalKey
  }
}

/** What the default key function puts before every key; undefined where another one makes them. */
export const keyHead = (keyFunction: KeyFunction, prefix: string, version: number): string | undefined =>
  keyFunction === defaultKeyFunction ? keyFunction.make({ prefix, version, key: "" }) : undefined

/** Longest final key, in bytes of UTF-8. */
export const maxKeyBytes = 65_536

/** Why a key is refused; undefined when it is fine. */
export const keyRefusal = (key: unknown): string | undefined => {
  if (typeof key !== "string") return `a key must be text, not ${key === null ? "null" : typeof key}`
  if (key.length === 0) return "a key must not be empty"
  if (!key.isWellFormed()) return "a key must not contain a lone surrogate"
  // A UTF-16 unit takes at most three bytes.
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
    return `a key must not exceed ${maxKeyBytes} bytes`
  }
  return undefined
}

/** Makes every character of `text` stand for itself in a glob. */
export const escapeGlob = (text: string): string => text.replace(/[*?[\]\\]/g, "\\$&")

/** What a scan matches, and which of its hits belong to the key space. */
export interface KeySpace {
  readonly match: string
  /** The user key of a final key of this space; undefined for a stranger. */
  readonly userKey: (finalKey: string) => string | undefined
}

/** The prefix and the version of keys. */
interface KeyParts {
  readonly prefix: string
  readonly version: number
}

/** The user key of a final key of this prefix and version; undefined for a stranger. */
export const userKeyOf = (keyFunction: KeyFunction, parts: KeyParts, finalKey: string): string | undefined => {
  if (isReserved(finalKey)) return undefined
  try {
    const key = keyFunction.reverse(finalKey, parts)
    return keyFunction.make({ ...parts, key }) === finalKey ? key : undefined
  } catch {
    // A function that throws for a stranger's key has told it apart.
    return undefined
  }
}

/** The keys of one prefix and version whose user key matches the glob `pattern`. */
export const keySpace = (keyFunction: KeyFunction, parts: KeyParts, pattern: string): KeySpace => ({
  match: keyFunction.make({ prefix: escapeGlob(parts.prefix), version: parts.version, key: pattern }),
  userKey: (finalKey) => userKeyOf(keyFunction, parts, finalKey)
})

// Stand-ins that a key function passes through and that no real prefix contains by accident.
const anyVersion = 4_503_599_627_370_497
const anyKey = "\u{10fffd}key\u{10fffd}"

/** The keys of one prefix in every version: `match` for the server, `owns` to tell the prefix's own keys from look-alikes. */
export const allVersions = (
  keyFunction: KeyFunction,
  prefix: string
): { readonly match: string; readonly owns: (finalKey: string) => boolean } => {
  const shape = (text: string, version: string, key: string, literal: (text: string) => string) =>
    text
      .split(anyKey)
      .map((part) => part.split(String(anyVersion)).map(literal).join(version))
      .join(key)
  const template = keyFunction.make({ prefix, version: anyVersion, key: anyKey })
  const own = new RegExp(`^${shape(template, "-?\\d+", "[^]*", RegularExpression.escape)}$`)
  return {
    match: shape(template, "*", "*", escapeGlob),
    owns: (finalKey) => !isReserved(finalKey) && own.test(finalKey)
  }
}
