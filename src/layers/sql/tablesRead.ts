/** The tables that a plain query reads, found in its text. A table more costs an invalidation too many; one less would be served for ever. */
import { isMark, isWord, type SqlToken, sqlTokens } from "./sqlTokens.ts"
import { nameAt } from "./tableNames.ts"

/** A pair of parentheses, or what is around all of them. */
interface Level {
  /** A table must follow. */
  expects: boolean
  /** After a comma there is another table. */
  inTables: boolean
  /** Of a function such as EXTRACT, whose arguments have a FROM of their own. */
  readonly isCall: boolean
}

const callsWithFrom = ["extract", "substring", "trim", "overlay", "position"]

/** Clauses that end the list of tables. */
const clauses = "where group order having limit offset fetch union intersect except window select values".split(" ")

/** Words that make it more than a plain query: it may write, lock rows, or name a table in a way that is not read here. */
const beyond = "insert update delete merge into for table only call exec execute truncate".split(" ")

/** The names in their order, each once; undefined where the text is no plain SELECT, or may be read in more than one way. */
export const tablesRead = (sql: string): ReadonlyArray<string> | undefined => {
  const tokens = sqlTokens(sql)
  const first = tokens?.find((token) => !isMark(token, "("))
  return tokens !== undefined && isWord(first, "select", "with") ? tablesIn(tokens) : undefined
}

/** All tables that stand after FROM, JOIN or a comma between them, at any depth. */
export const tablesIn = (tokens: ReadonlyArray<SqlToken>): ReadonlyArray<string> | undefined => {
  const tables = new Set<string>()
  const levels: Array<Level> = [{ expects: false, inTables: false, isCall: false }]
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    const level = levels.at(-1)
    if (token === undefined || level === undefined) return undefined
    if (isMark(token, ";")) return at === tokens.length - 1 && isDone(levels) ? [...tables] : undefined
    if (isMark(token, "(")) {
      const inTables = level.expects
      levels.push({ expects: inTables, inTables, isCall: isWord(tokens[at - 1], ...callsWithFrom) })
      level.expects = false
    } else if (isMark(token, ")")) {
      if (level.expects) return undefined
      levels.pop()
    } else if (isMark(token, ",")) {
      if (level.expects) return undefined
      level.expects = level.inTables
    } else if (level.expects) {
      if (isWord(token, "lateral") && isMark(tokens[at + 1], "(")) continue
      if (isWord(token, "select", "with", "values") && isMark(tokens[at - 1], "(")) {
        level.expects = false
        level.inTables = false
        continue
      }
      const name = isWord(token, ...beyond) ? undefined : nameAt(tokens, at)
      // A function in place of a table may read anything.
      if (name === undefined || isMark(tokens[name.next], "(")) return undefined
      tables.add(name.table)
      at = name.next - 1
      level.expects = false
    } else if (token.kind === "word" && !isMark(tokens[at - 1], ".")) {
      if (isWord(token, ...beyond)) return undefined
      if (startsTables(tokens, at, level)) {
        level.expects = true
        level.inTables = true
      } else if (isWord(token, ...clauses)) {
        level.inTables = false
      }
    }
  }
  return isDone(levels) ? [...tables] : undefined
}

const isDone = ([level, ...more]: ReadonlyArray<Level>): boolean => more.length === 0 && level?.expects === false

const startsTables = (tokens: ReadonlyArray<SqlToken>, at: number, { isCall }: Level): boolean => {
  const before = tokens[at - 1]
  if (isWord(tokens[at], "join", "straight_join")) return true
  if (isWord(tokens[at], "apply")) return isWord(before, "cross", "outer")
  if (!isWord(tokens[at], "from") || isCall) return false
  return !(isWord(before, "distinct") && isWord(tokens[at - 2], "is", "not"))
}
