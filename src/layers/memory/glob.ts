/** The server's globs: `*`, `?`, `[abc]`, `[^a-z]` and `\` to escape, over bytes. */

/** True where the whole of `text` matches. Takes at most pattern × text steps. */
export const globMatch = (pattern: string, text: string): boolean => {
  const p = binary(pattern)
  const t = binary(text)
  // The server's matcher never looks at an empty text; a star alone it does not ask.
  if (t === "") return p === "" || p === "*"
  let pi = 0
  let ti = 0
  // Where to go on when the rest does not match: the last star takes one byte more.
  let star = -1
  let starText = 0
  while (ti < t.length) {
    if (pi < p.length && p[pi] === "*") {
      star = pi++
      starText = ti
      continue
    }
    const next = pi < p.length ? matchOne(p, pi, t.charCodeAt(ti)) : -1
    if (next >= 0) {
      pi = next
      ti++
    } else if (star >= 0) {
      pi = star + 1
      ti = ++starText
    } else {
      return false
    }
  }
  while (pi < p.length && p[pi] === "*") pi++
  return pi >= p.length
}

/** One character for each byte. */
const binary = (text: string): string => Buffer.from(text).toString("latin1")

/** The position behind the one-byte pattern at `pi` where it matches `byte`, else -1. */
const matchOne = (p: string, pi: number, byte: number): number => {
  switch (p[pi]) {
    case "?":
      return pi + 1
    case "[":
      return matchSet(p, pi + 1, byte)
    case "\\":
      // A backslash at the very end stands for itself.
      if (pi + 1 < p.length) pi++
  }
  return p.charCodeAt(pi) === byte ? pi + 1 : -1
}

const matchSet = (p: string, pi: number, byte: number): number => {
  const negated = p[pi] === "^"
  if (negated) pi++
  let found = false
  for (; ; pi++) {
    if (pi >= p.length) break // a set without an end reaches to the pattern's end
    if (p[pi] === "\\" && pi + 1 < p.length) {
      pi++
      if (p.charCodeAt(pi) === byte) found = true
    } else if (p[pi] === "]") {
      pi++
      break
    } else if (p[pi + 1] === "-" && pi + 2 < p.length) {
      const a = p.charCodeAt(pi)
      const b = p.charCodeAt(pi + 2)
      if (byte >= Math.min(a, b) && byte <= Math.max(a, b)) found = true
      pi += 2
    } else if (p.charCodeAt(pi) === byte) {
      found = true
    }
  }
  return found !== negated ? pi : -1
}
