/** Names of tables, as tags know them. */
import { isMark, isWord, type SqlToken } from "./sqlTokens.ts"

/** Names, or every table that there is. */
export type Tables = ReadonlyArray<string> | "all"

/** Longest name, in UTF-16 units; databases allow less. */
const maxNameLength = 256

/**
 * One name for all the ways to write it: the last part in lower case, without its schema. Tables that differ in nothing else
 * share a tag, and are invalidated together.
 */
export const tableName = (written: string): string => written.slice(written.lastIndexOf(".") + 1).toLowerCase()

/** Why names cannot be used; undefined where they can. */
export const tablesRefusal = (tables: Tables): string | undefined => {
  if (tables === "all") return undefined
  if (!Array.isArray(tables)) return 'tables must be a list of names, or "all"'
  const isName = (name: unknown) =>
    typeof name === "string" && name.length <= maxNameLength && name.isWellFormed() && tableName(name) !== ""
  return tables.every(isName) ? undefined : `the name of a table must be text of 1 to ${maxNameLength} characters`
}

/** No table is called so without quotes, wherever a name may stand. */
const neverNames = new Set(
  "select from where set values into on using join inner left right full cross natural group order having union as and or not null with when then".split(
    " "
  )
)

/** A table's name at this place, and the place behind it; undefined where something else stands there. */
export const nameAt = (
  tokens: ReadonlyArray<SqlToken>,
  at: number
): { readonly table: string; readonly next: number } | undefined => {
  let next = at
  for (;;) {
    const part = tokens[next]
    if (part === undefined || (part.kind !== "name" && part.kind !== "word")) return undefined
    if (part.kind === "word" && neverNames.has(part.text)) return undefined
    next++
    if (!isMark(tokens[next], ".")) {
      const table = tableName(part.text)
      return table === "" || table.length > maxNameLength || !table.isWellFormed() ? undefined : { table, next }
    }
    next++
  }
}

/** Whether what stands there is the keyword of a statement, and no column or function of that name. */
export const isVerb = (tokens: ReadonlyArray<SqlToken>, at: number, ...verbs: ReadonlyArray<string>): boolean =>
  isWord(tokens[at], ...verbs) && !isMark(tokens[at - 1], ".") && !isMark(tokens[at + 1], "(")
