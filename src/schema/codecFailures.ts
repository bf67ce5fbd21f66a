/** Why a value could not be encoded or decoded, in words that name formats, types and paths, never contents. */
import { Cause, Effect, Exit, Schema, SchemaAST, SchemaIssue } from "effect"
import { CacheCodecError } from "./CacheError.ts"
import type { ForeignError } from "./ForeignError.ts"
import { FormatError } from "./FormatError.ts"
import { propertyNames } from "./schemaFacts.ts"

export type Direction = "encode" | "decode"

interface Named {
  readonly operation: string
  readonly key: string | undefined
}

/** What foreign code throws may quote what it was given: of it only the kind is kept. */
export const kindOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "unknown reason"
  const kind = "code" in error && typeof error.code === "string" ? error.code : error.name
  return /^\w{1,40}$/.test(kind) ? kind : "Error"
}

/** Whether the engine ran out of stack: the value is deeper than the code that walks it can go. */
export const isTooDeep = (error: unknown): boolean => error instanceof RangeError && /call stack/i.test(error.message)

export const tooDeep = "the value is nested too deeply, or holds itself"

/** The failure of `who`; without one only our own reasons are known. */
export const codecFailure = (
  { key, operation }: Named,
  direction: Direction,
  error: unknown,
  who = "the codec"
): CacheCodecError => new CacheCodecError({ operation, direction, key, cause: reasonFor(error, who) })

const reasonFor = (error: unknown, who: string): ForeignError => {
  if (error instanceof FormatError) return { name: error.name, message: error.message }
  if (isTooDeep(error)) return { name: "RangeError", message: tooDeep }
  const kind = kindOf(error)
  return { name: kind, message: `${who} failed (${kind})` }
}

/** What the code of `who` gives; what it throws becomes a `CacheCodecError`. */
export const attempt = <B>(
  named: Named,
  direction: Direction,
  who: string,
  run: () => B
): Exit.Exit<B, CacheCodecError> => {
  try {
    return Exit.succeed(run())
  } catch (error) {
    return Exit.fail(codecFailure(named, direction, error, who))
  }
}

/** What the schema's own code gives, with everything that it fails with or throws made a `CacheCodecError`. */
export const bySchema = <A, R>(
  named: Named,
  direction: Direction,
  ast: SchemaAST.AST,
  run: () => Effect.Effect<A, Schema.SchemaError, R>
): Effect.Effect<A, CacheCodecError, R> => {
  const failed = (cause: Cause.Cause<Schema.SchemaError>): Exit.Exit<never, CacheCodecError> => {
    const interrupts = cause.reasons.filter(Cause.isInterruptReason)
    if (interrupts.length > 0) return Exit.failCause(Cause.fromReasons(interrupts))
    return Exit.fail(schemaFailure(named, direction, ast, Cause.squash(cause)))
  }
  try {
    const effect = run()
    // An exit is the effect that it is the result of, and so of the same type.
    const exit = Exit.isExit(effect) ? (effect as Exit.Exit<A, Schema.SchemaError>) : undefined
    if (exit === undefined) return Effect.catchCause(effect, failed)
    // It cannot fail any more.
    return Exit.isSuccess(exit) ? (effect as Effect.Effect<A, never, R>) : failed(exit.cause)
  } catch (error) {
    return Exit.fail(schemaFailure(named, direction, ast, error))
  }
}

const schemaFailure = (named: Named, direction: Direction, ast: SchemaAST.AST, error: unknown): CacheCodecError =>
  Schema.isSchemaError(error)
    ? new CacheCodecError({
        operation: named.operation,
        key: named.key,
        direction,
        cause: { name: "SchemaError", message: issueText(error.issue, propertyNames(ast)) }
      })
    : codecFailure(named, direction, error, "the schema")

/** The first thing that is wrong. A message that is made while the schema runs may quote the value, so only constant ones are kept. */
const issueText = (issue: SchemaIssue.Issue, names: ReadonlySet<string>): string => {
  const first = issues(issue).issues[0]
  const path = (first?.path ?? []).map((step) => {
    const name = typeof step === "object" ? step.key : step
    return typeof name === "number" ? `[${name}]` : names.has(String(name)) ? `.${String(name)}` : "[…]"
  })
  const what = first?.message ?? anotherValue
  return path.length === 0 ? what : `${what} at ${path.join("")}`
}

const anotherValue = "Expected a valid value"

/** The name of a `Schema.Class`, whose values are instances: TypeScript takes an object with the same fields for one. */
const classNameOf = (ast: SchemaAST.AST): string | undefined => {
  if (!SchemaAST.isDeclaration(ast) || ast.annotations?.["message"] !== undefined) return undefined
  const [fields] = ast.typeParameters
  return fields !== undefined && SchemaAST.isObjects(fields) ? SchemaAST.resolveIdentifier(ast) : undefined
}

const issues = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (leaf) => {
    const className = leaf._tag === "InvalidType" ? classNameOf(leaf.ast) : undefined
    if (className !== undefined) {
      return `Expected an instance of the class ${className} (an object with the same fields is not one)`
    }
    return leaf._tag === "InvalidValue" || leaf._tag === "Forbidden" || SchemaIssue.hasInput(leaf)
      ? anotherValue
      : SchemaIssue.defaultLeafHook(leaf)
  },
  checkHook: ({ filter: { annotations } }) => {
    const { expected, message } = annotations ?? {}
    if (typeof message === "string") return message
    return typeof expected === "string" ? `Expected ${expected}` : anotherValue
  }
})
