/** Under which key the rows of a query are stored. */
import { Exit } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { digest } from "../../schema/digest.ts"
import { refused } from "../../schema/failures.ts"
import { strictJson } from "../../schema/strictJson.ts"
import type { CompiledSql } from "./statementText.ts"

/** A digest of the text, its parameters and the shape of its rows: queries that differ in one of them have keys of their own. */
export const queryKey = (
  head: string,
  shape: string,
  [sql, parameters]: CompiledSql
): Exit.Exit<string, CacheInputError> => {
  try {
    return Exit.succeed(`${head}:${digest(strictJson([shape, sql, parameters.map(keyed)]))}`)
  } catch {
    return refused("query", "one of the parameters cannot be part of a key, because JSON cannot hold it")
  }
}

/** Parameters that differ are different texts, also where JSON has one text for both. */
const keyed = (parameter: unknown): unknown => {
  switch (typeof parameter) {
    case "bigint":
      return { bigint: String(parameter) }
    case "number":
      return Number.isFinite(parameter) && !Object.is(parameter, -0) ? parameter : { number: String(parameter) }
    case "string":
      return parameter.isWellFormed() ? parameter : { text: JSON.stringify(parameter) }
    case "boolean":
      return parameter
    case "undefined":
      return null
    default:
      if (parameter === null) return null
      if (parameter instanceof Date) return { date: parameter.getTime() }
      if (parameter instanceof Uint8Array) return { bytes: Buffer.from(parameter).toString("base64") }
      return { json: parameter }
  }
}
