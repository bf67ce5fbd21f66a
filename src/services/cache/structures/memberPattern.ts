/** Globs over members: text as it is, other values as their JSON. */
import { Exit } from "effect"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import { globMatcher } from "../../../schema/glob.ts"
import type { ValueCodec } from "../../../schema/ValueCodec.ts"

export interface MemberPattern {
  /** What the server is told, so that it leaves out most of what does not match. */
  readonly words: ReadonlyArray<Arg>
  /** Whether a member as it is stored matches. */
  readonly matches: (stored: Reply | undefined) => boolean
}

const everything: MemberPattern = { words: [], matches: () => true }

export const memberPattern = (
  operation: string,
  { reply }: Pick<ValueCodec<unknown>, "reply">,
  pattern: string
): Exit.Exit<MemberPattern, CacheInputError> => {
  if (pattern === "*") return Exit.succeed(everything)
  if (typeof pattern !== "string" || !pattern.isWellFormed()) {
    return refused(operation, "a pattern must be well-formed text")
  }
  if (reply !== "utf8") return refused(operation, "a pattern other than * needs members that are stored as JSON text")
  const matches = globMatcher(pattern)
  return Exit.succeed({
    words: ["MATCH", widened(pattern)],
    matches: (stored) => typeof stored === "string" && matches(textOf(stored))
  })
}

/** Text is stored between quotes, and some of its characters are written otherwise there. */
const textOf = (json: string): string => {
  if (!json.startsWith('"')) return json
  try {
    return String(JSON.parse(json))
  } catch {
    // Decoding will say what is wrong with it.
    return json
  }
}

/**
 * A glob that matches the JSON of everything that the pattern matches, and more: a part that JSON may write in another way becomes
 * a star.
 */
const widened = (pattern: string): string =>
  `*${(pattern.match(/\\[^]|\[[^]*|[^]/gu) ?? []).map(widenedPart).join("")}*`.replace(/\*+/g, "*")

const widenedPart = (part: string): string => (/^\\?[^*?[\]\\"\p{Cc}]$/u.test(part) ? part.replace("\\", "") : "*")
