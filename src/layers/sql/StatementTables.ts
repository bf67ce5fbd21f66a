/** The tables of texts that were seen before: programs have few of them, and run them often. */
import type { Tables } from "./tableNames.ts"
import { tablesRead } from "./tablesRead.ts"
import { tablesWritten } from "./tablesWritten.ts"

/** Texts that are remembered, at most. Programs that write values into their texts have any number. */
const maxTexts = 1000

export class StatementTables {
  readonly read: (sql: string) => ReadonlyArray<string> | undefined = remembering(tablesRead)
  readonly written: (sql: string) => Tables = remembering(tablesWritten)
}

const remembering = <A>(find: (sql: string) => A): ((sql: string) => A) => {
  const known = new Map<string, { readonly found: A }>()
  return (sql) => {
    const seen = known.get(sql)
    if (seen !== undefined) return seen.found
    const found = find(sql)
    if (known.size >= maxTexts) known.clear()
    known.set(sql, { found })
    return found
  }
}
