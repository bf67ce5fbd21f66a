/** The words of a SQL text, where all dialects read it alike. */

/** `word` is in lower case; `name` stood in quotes; `mark` is punctuation; `value` is a literal or a parameter. */
export interface SqlToken {
  readonly kind: "word" | "name" | "mark" | "value"
  readonly text: string
}

/**
 * What is left out of each pattern is what dialects read differently, so that a table could hide in it: backslashes in
 * quotes, `#` and `$$`, comments in comments, comments that MySQL executes, `--` without white space, brackets with quotes in them.
 */
const patterns = [
  /(?<blank>\s+|--(?=\s|$)[^\n\r]*(?=\r?\n|$)|\/\*(?!M?!)(?:(?!\/\*|\*\/)[^])*\*\/)/u,
  /(?<value>'(?:[^'\\]|'')*'|\d[\w.]*|\?\d*|\$\d+|[@:][\p{L}\p{N}_]+)/u,
  /(?<name>"(?:[^"\\]|"")+"|`(?:[^`\\]|``)+`|\[[\p{L}_][\p{L}\p{N}_ .-]{0,256}\])/u,
  /(?<word>[\p{L}_][\p{L}\p{M}\p{N}_$]*)/u,
  /(?<mark>::|\[(?=[^\]'"`\\]{0,256}\])|-(?!-)|\/(?!\*)|[\](),.;=<>!+*%|&^~:])/u
]
const token = new RegExp(patterns.map(({ source }) => source).join("|"), "uy")

/** Undefined where some dialect may read the text differently. */
export const sqlTokens = (sql: string): ReadonlyArray<SqlToken> | undefined => {
  const tokens: Array<SqlToken> = []
  token.lastIndex = 0
  for (let at = 0; at < sql.length; at = token.lastIndex) {
    const groups = token.exec(sql)?.groups
    if (groups === undefined) return undefined
    const { mark, name, value, word } = groups
    if (word !== undefined) tokens.push({ kind: "word", text: word.toLowerCase() })
    else if (name !== undefined) tokens.push({ kind: "name", text: unquoted(name) })
    else if (value !== undefined) tokens.push({ kind: "value", text: value })
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark })
  }
  return tokens
}

const unquoted = (name: string): string => {
  const inner = name.slice(1, -1)
  return name.startsWith("[") ? inner : inner.replaceAll(/(["`])\1/g, "$1")
}

export const isWord = (token: SqlToken | undefined, ...words: ReadonlyArray<string>): boolean =>
  token?.kind === "word" && words.includes(token.text)

export const isMark = (token: SqlToken | undefined, mark: string): boolean =>
  token?.kind === "mark" && token.text === mark
