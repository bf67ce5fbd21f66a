/** The server's globs: `*`, `?`, `[abc]`, `[^a-z]` and `\` to escape, over bytes. */

/** Whether it stands for that byte. */
type Token = (byte: number) => boolean

/**
 * The bytes of a glob between its stars, one token each. `stars` has the positions before which a star stands: after that many
 * tokens any number of bytes may come.
 */
interface Glob {
  readonly tokens: ReadonlyArray<Token>
  readonly stars: ReadonlySet<number>
}

/** Says of a text whether the whole of it matches. */
export const globMatcher = (pattern: string): ((text: string) => boolean) => {
  const special = pattern.search(/[*?[\\]/)
  if (special < 0) return (text) => text === pattern
  const prefix = pattern.slice(0, special)
  if (special === pattern.length - 1 && pattern.endsWith("*")) return (text) => text.startsWith(prefix)
  const matches = simulate(parse(binary(pattern)))
  return (text) => text.startsWith(prefix) && (text === "" ? matchesNothing(pattern) : matches(text))
}

/** The server's matcher never looks at an empty text; a star alone it does not ask. */
const matchesNothing = (pattern: string): boolean => pattern === "" || pattern === "*"

/** One character for each byte. */
const binary = (text: string): string =>
  Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1")

const parse = (pattern: string): Glob => {
  const tokens: Array<Token> = []
  const stars = new Set<number>()
  let at = 0
  while (at < pattern.length) {
    const character = pattern[at]
    if (character === "[") {
      at = parseSet(pattern, at + 1, tokens)
      continue
    }
    if (character === "*") stars.add(tokens.length)
    else if (character === "?") tokens.push(() => true)
    else {
      // A backslash at the very end stands for itself.
      if (character === "\\" && at + 1 < pattern.length) at++
      tokens.push(literal(pattern.charCodeAt(at)))
    }
    at++
  }
  return { tokens, stars }
}

const literal =
  (wanted: number): Token =>
  (byte) =>
    byte === wanted

/** The bounds of a range are signed bytes where the server was built for x86. */
const signed = (byte: number): number => (byte << 24) >> 24

/** Adds the token of the set whose first character is at `at`; returns where the pattern goes on. */
const parseSet = (pattern: string, at: number, tokens: Array<Token>): number => {
  const negated = pattern[at] === "^"
  if (negated) at++
  const held = new Uint8Array(256)
  // A set without an end reaches to the pattern's end.
  for (; at < pattern.length && pattern[at] !== "]"; at++) {
    if (pattern[at] === "\\" && at + 1 < pattern.length) {
      held[pattern.charCodeAt(++at)] = 1
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
      const [a, b] = [signed(pattern.charCodeAt(at)), signed(pattern.charCodeAt(at + 2))]
      for (let byte = Math.min(a, b); byte <= Math.max(a, b); byte++) held[byte & 255] = 1
      at += 2
    } else {
      held[pattern.charCodeAt(at)] = 1
    }
  }
  tokens.push((byte) => (held[byte] === 1) !== negated)
  return at + 1
}

/**
 * Runs the glob as an automaton whose states are bits: bit `i` says that the first `i` tokens match the text so far.
 * One step for each byte and 32 tokens, whatever the pattern.
 */
const simulate = ({ stars, tokens }: Glob): ((text: string) => boolean) => {
  const words = (tokens.length >> 5) + 1
  const stays = new Int32Array(words)
  for (const position of stars) stays[position >> 5]! |= 1 << position
  const maskOf = (byte: number): Int32Array => {
    const mask = new Int32Array(words)
    tokens.forEach((token, i) => {
      if (token(byte)) mask[(i + 1) >> 5]! |= 1 << (i + 1)
    })
    return mask
  }
  // For each byte, the states that it leads into.
  const masks: Array<Int32Array> = []
  const state = new Int32Array(words)
  return (text) => {
    const bytes = binary(text)
    state.fill(0)
    state[0] = 1
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes.charCodeAt(i)
      const mask = (masks[byte] ??= maskOf(byte))
      let carry = 0
      let alive = 0
      for (let word = 0; word < words; word++) {
        const before = state[word]!
        const after = (((before << 1) | carry) & mask[word]!) | (before & stays[word]!)
        carry = before >>> 31
        alive |= after
        state[word] = after
      }
      if (alive === 0) return false
    }
    return (state[words - 1]! & (1 << tokens.length)) !== 0
  }
}
