/** The tables that a statement writes, found in its text. What cannot be read may write every table. */
import { isMark, isWord, type SqlToken, sqlTokens } from "./sqlTokens.ts"
import { isVerb, nameAt, type Tables } from "./tableNames.ts"
import { tablesIn } from "./tablesRead.ts"

const nothing: Tables = []

/** Most statements of a program, without a look at each word: one query. Functions in it are not looked into. */
const isPlainQuery = (sql: string): boolean =>
  /^\s*select\b[^;]*;?\s*$/i.test(sql) &&
  !/\b(?:into|insert|update|delete|merge|truncate|call|exec|execute|create|alter|drop)\b/i.test(sql)

/** Besides those whose tables are read. Some databases take several statements without a semicolon between them. */
const otherVerbs = ["call", "exec", "execute", "create", "alter", "drop"]

/** `[]` = it writes nothing. */
export const tablesWritten = (sql: string): Tables => {
  if (isPlainQuery(sql)) return nothing
  const tokens = sqlTokens(sql)
  if (tokens === undefined) return "all"
  const tables = new Set<string>()
  for (const statement of statementsIn(tokens)) {
    const written = writtenBy(statement)
    if (written === "all") return "all"
    for (const table of written) tables.add(table)
  }
  return [...tables]
}

const statementsIn = (tokens: ReadonlyArray<SqlToken>): ReadonlyArray<ReadonlyArray<SqlToken>> => {
  const statements: Array<Array<SqlToken>> = [[]]
  for (const token of tokens) {
    if (isMark(token, ";")) statements.push([])
    else statements.at(-1)?.push(token)
  }
  return statements.filter(({ length }) => length > 0)
}

/** A transaction that begins writes nothing yet; its COMMIT, where it is made by hand, is what nobody can read. */
const beginning = new Set("begin start transaction work deferred immediate exclusive".split(" "))

const writtenBy = (statement: ReadonlyArray<SqlToken>): Tables => {
  const first = statement.find((token) => !isMark(token, "("))
  if (statement.some((_, at) => isVerb(statement, at, ...otherVerbs))) return "all"
  if (isWord(first, "select", "values", "show", "describe", "explain")) {
    return statement.some((token, at) => isWord(token, "analyze", "analyse") || writesAt(statement, at))
      ? "all"
      : nothing
  }
  if (isWord(first, "rollback", "savepoint")) return nothing
  if (statement.every((token) => token.kind === "word" && beginning.has(token.text))) return nothing
  return isWord(first, "insert", "replace", "update", "delete", "merge", "truncate", "with")
    ? targets(statement)
    : "all"
}

/** Verbs in one statement, at most: each of them may look through the rest of it. */
const maxVerbs = 100

/** A verb whose table stands behind it; in MERGE … THEN UPDATE, ON CONFLICT DO UPDATE and FOR UPDATE it stands elsewhere. */
const writesAt = (tokens: ReadonlyArray<SqlToken>, at: number): boolean =>
  isVerb(tokens, at, "insert", "replace", "merge", "into", "update", "delete", "truncate") &&
  !isWord(tokens[at - 1], "then", "do", "key", "for") &&
  // INSERT OR REPLACE INTO.
  !(isWord(tokens[at], "replace") && isWord(tokens[at - 1], "or"))

const targets = (tokens: ReadonlyArray<SqlToken>): Tables => {
  const tables = new Set<string>()
  let verbs = 0
  for (let at = 0; at < tokens.length; at++) {
    if (!writesAt(tokens, at)) continue
    const found = ++verbs > maxVerbs ? "all" : targetAt(tokens, at)
    if (found === "all") return "all"
    for (const table of found) tables.add(table)
  }
  return [...tables]
}

const targetAt = (tokens: ReadonlyArray<SqlToken>, at: number): Tables => {
  switch (tokens[at]?.text) {
    case "into":
      return one(nameAt(tokens, at + 1))
    case "update":
      return updated(tokens, at + 1)
    case "delete":
      return deleted(tokens, at + 1)
    case "truncate":
      return truncated(tokens, at + 1)
    default:
      return tokens.slice(at + 1, at + 4).some((token) => isWord(token, "into")) ? nothing : "all"
  }
}

const one = (name: { readonly table: string } | undefined): Tables => (name === undefined ? "all" : [name.table])

/** What may stand between a verb and its table. Where SET or FROM follows at once, it is the table's own name. */
const past = (tokens: ReadonlyArray<SqlToken>, at: number, ...modifiers: ReadonlyArray<string>): number => {
  if (isWord(tokens[at], "or")) return at + 2
  let next = at
  while (isWord(tokens[next], ...modifiers) && !isWord(tokens[next + 1], "set")) next++
  return next
}

const updated = (tokens: ReadonlyArray<SqlToken>, at: number): Tables => {
  const name = nameAt(tokens, past(tokens, at, "only", "low_priority", "ignore"))
  if (name === undefined) return "all"
  // Besides an alias nothing stands before SET, or several tables are updated.
  const set = tokens.findIndex((token, i) => i >= name.next && isWord(token, "set"))
  const between = tokens.slice(name.next, set)
  if (set < 0 || between.length > 2 || between.some(({ kind }) => kind === "mark" || kind === "value")) return "all"
  const rest = tokens.slice(set)
  const own = rest.slice(0, endOfLevel(rest))
  if (!atDepthZero(own).some((token) => isWord(token, "from"))) return [name.table]
  // UPDATE x SET … FROM users AS x: the table may be named by its alias alone.
  const read = tablesIn(own)
  return read === undefined ? "all" : [name.table, ...read]
}

/** Where the parenthesis closes that was open before the first token. */
const endOfLevel = (tokens: ReadonlyArray<SqlToken>): number => {
  let depth = 0
  const end = tokens.findIndex((token) => {
    if (isMark(token, "(")) depth++
    else if (isMark(token, ")")) depth--
    return depth < 0
  })
  return end < 0 ? tokens.length : end
}

const deleted = (tokens: ReadonlyArray<SqlToken>, at: number): Tables => {
  if (!isWord(tokens[at], "from")) return "all"
  const name = nameAt(tokens, past(tokens, at + 1, "only"))
  if (name === undefined) return "all"
  const rest = tokens.slice(name.next)
  const own = atDepthZero(rest.slice(0, endOfLevel(rest)))
  // Several tables, or an alias that is explained by a second FROM.
  return isMark(own[0], ",") || own.some((token) => isWord(token, "from")) ? "all" : [name.table]
}

/** Those that stand in no parentheses. */
const atDepthZero = (tokens: ReadonlyArray<SqlToken>): ReadonlyArray<SqlToken> => {
  let depth = 0
  return tokens.filter((token) => {
    if (isMark(token, ")")) depth--
    const isOutside = depth === 0
    if (isMark(token, "(")) depth++
    return isOutside
  })
}

const truncated = (tokens: ReadonlyArray<SqlToken>, at: number): Tables => {
  // Which tables refer to these is not in the text.
  if (tokens.some((token) => isWord(token, "cascade"))) return "all"
  const tables: Array<string> = []
  let next = isWord(tokens[at], "table") ? at + 1 : at
  for (;;) {
    const name = nameAt(tokens, past(tokens, next, "only"))
    if (name === undefined) return "all"
    tables.push(name.table)
    if (!isMark(tokens[name.next], ",")) return tables
    next = name.next + 1
  }
}
