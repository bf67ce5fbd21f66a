/** What can be told of a schema without running it. */
import { SchemaAST } from "effect"
import { isAmbiguous } from "./ambiguity.ts"

/** Calls `visit` with each node of a schema once, those of its encodings included. */
const walk = (root: SchemaAST.AST, visit: (ast: SchemaAST.AST) => void): void => {
  const seen = new Set<SchemaAST.AST>()
  const waiting = [root]
  for (let ast = waiting.pop(); ast !== undefined; ast = waiting.pop()) {
    if (seen.has(ast)) continue
    seen.add(ast)
    visit(ast)
    waiting.push(...partsOf(ast))
    for (const { to } of ast.encoding ?? []) waiting.push(to)
  }
}

const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  switch (ast._tag) {
    case "Arrays":
      return [...ast.elements, ...ast.rest]
    case "Objects":
      return [
        ...ast.propertySignatures.map(({ type }) => type),
        ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])
      ]
    case "Union":
      return ast.types
    case "Declaration":
      return ast.typeParameters
    case "Suspend":
      return [ast.thunk()]
    default:
      return []
  }
}

/** The names that the schema gives to properties. All others belong to values. */
export const propertyNames = (root: SchemaAST.AST): ReadonlySet<string> => {
  const known = namesOf.get(root)
  if (known !== undefined) return known
  const names = new Set<string>()
  namesOf.set(root, names)
  walk(root, (ast) => {
    if (ast._tag === "Objects") for (const { name } of ast.propertySignatures) names.add(String(name))
  })
  return names
}

const namesOf = new WeakMap<SchemaAST.AST, ReadonlySet<string>>()

const jsonTypes: ReadonlySet<unknown> = new Set(["effect/schema/Json", "effect/schema/MutableJson"])
const bigTypes: ReadonlySet<unknown> = new Set(["effect/schema/BigDecimal", "effect/schema/Duration"])

/** What the derived JSON codec of a schema says of it. */
export interface SchemaFacts {
  /** Every value is a bigint, or what JSON writes neither as a number nor as text: an integer's digits alone say which one it is. */
  readonly integer: boolean
  /** Values can nest as deeply as they like. */
  readonly recursive: boolean
  /** Text becomes a bigint, which takes a time that grows with the square of its digits. */
  readonly bigints: boolean
  /** Some part can be anything. */
  readonly untyped: boolean
  /** Lists of null or undefined, which take no bytes in SchemaBinary, however many there are. */
  readonly emptyItems: boolean
  /** Some union has members that JSON may not keep apart. */
  readonly ambiguous: boolean
}

export const factsOf = (json: SchemaAST.AST): SchemaFacts => {
  let [recursive, bigints, untyped, emptyItems, ambiguous] = [false, false, false, false, false]
  walk(json, (ast) => {
    switch (ast._tag) {
      case "Suspend":
        recursive = true
        break
      case "BigInt":
        bigints = true
        break
      case "Unknown":
      case "Any":
      case "ObjectKeyword":
        untyped = true
        break
      case "Union":
        if (isAmbiguous(ast)) ambiguous = true
        break
      case "Arrays":
        if ([...ast.elements, ...ast.rest].some(isEmpty)) emptyItems = true
        break
      case "Declaration": {
        const { id } = Object(ast.annotations?.["representation"])
        if (jsonTypes.has(id)) untyped = true
        if (bigTypes.has(id)) bigints = true
      }
    }
  })
  return { integer: isInteger(json), recursive, bigints, untyped, emptyItems, ambiguous }
}

const isInteger = (ast: SchemaAST.AST): boolean => {
  if (ast._tag === "Suspend") return isInteger(ast.thunk())
  if (ast._tag === "BigInt") return SchemaAST.toEncoded(ast)._tag === "String"
  if (ast._tag !== "Union") return false
  const others = ast.types.filter((type) => type._tag !== "BigInt")
  return (
    ast.types.length - others.length === 1 &&
    ast.types.every((type) => type._tag !== "BigInt" || isInteger(type)) &&
    others.every((type) => wordless.has(SchemaAST.toEncoded(type)._tag))
  )
}

/** What JSON writes neither as a number nor as text. */
const wordless: ReadonlySet<SchemaAST.AST["_tag"]> = new Set(["Null", "Boolean", "Objects", "Arrays"])

const isEmpty = (ast: SchemaAST.AST): boolean => {
  const resolved = ast._tag === "Suspend" ? ast.thunk() : ast
  return resolved._tag === "Null" || resolved._tag === "Undefined" || resolved._tag === "Void"
}

/** Of a schema without a JSON form. */
export const noFacts: SchemaFacts = {
  integer: false,
  recursive: false,
  bigints: false,
  untyped: false,
  emptyItems: false,
  ambiguous: false
}
