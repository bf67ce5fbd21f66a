/** Unions whose members JSON may not keep apart: a `Date` is text there, undefined is null. */
import { isDeepStrictEqual } from "node:util"
import { SchemaAST } from "effect"
import { FormatError } from "./FormatError.ts"

/**
 * Whether some value of one member may be read as one of another. Members of plain JSON come back as they are, whichever member
 * reads them.
 */
export const isAmbiguous = ({ types }: SchemaAST.Union): boolean =>
  types.some((one, i) =>
    types.slice(i + 1).some((other) => {
      const [a, b] = [SchemaAST.toEncoded(one), SchemaAST.toEncoded(other)]
      return !(a === one && b === other) && mayMeet(a, b, maxDepth)
    })
  )

/** Deeper members are taken for ones that meet. */
const maxDepth = 6

/** Whether a JSON value may be of both. */
const mayMeet = (a: SchemaAST.AST, b: SchemaAST.AST, depth: number): boolean => {
  if (depth === 0) return true
  if (a._tag === "Suspend") return mayMeet(a.thunk(), b, depth - 1)
  if (a._tag === "Union") return a.types.some((type) => mayMeet(type, b, depth - 1))
  if (b._tag === "Suspend" || b._tag === "Union") return mayMeet(b, a, depth)
  const [left, right] = [shapeOf(a), shapeOf(b)]
  if (left === undefined || right === undefined) return true
  if (left.kind !== right.kind) return false
  if (a._tag === "Objects" && b._tag === "Objects") return propertiesMayMeet(a, b, depth - 1)
  if (a._tag === "Arrays" && b._tag === "Arrays") return itemsMayMeet(a, b, depth - 1)
  if (left.values === undefined || right.values === undefined) return true
  return left.values.some((value) => right.values?.includes(value))
}

interface Shape {
  readonly kind: "string" | "number" | "boolean" | "null" | "object" | "array"
  /** The values that it may have; undefined where it may be any value of that kind. */
  readonly values?: ReadonlyArray<unknown>
}

/** Undefined: it can be anything. */
const shapeOf = (ast: SchemaAST.AST): Shape | undefined => {
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return { kind: "string" }
    case "Number":
      return { kind: "number" }
    case "Boolean":
      return { kind: "boolean" }
    case "Null":
      return { kind: "null" }
    case "Literal": {
      const { literal } = ast
      const kind = typeof literal
      return kind === "string" || kind === "number" || kind === "boolean" ? { kind, values: [literal] } : undefined
    }
    case "Objects":
      // It takes everything but null and undefined.
      return ast.propertySignatures.length === 0 && ast.indexSignatures.length === 0 ? undefined : { kind: "object" }
    case "Arrays":
      return { kind: "array" }
    default:
      return undefined
  }
}

/** Not where a property that one of them must have is never what the other one lets it be: a tag, for instance. */
const propertiesMayMeet = (a: SchemaAST.Objects, b: SchemaAST.Objects, depth: number): boolean =>
  a.propertySignatures.every(({ name, type }) => {
    const other = b.propertySignatures.find((property) => property.name === name)
    if (other === undefined || (isOptional(type) && isOptional(other.type))) return true
    return mayMeet(type, other.type, depth)
  })

const itemsMayMeet = (a: SchemaAST.Arrays, b: SchemaAST.Arrays, depth: number): boolean =>
  a.elements.every((element, i) => {
    const other = b.elements[i]
    return other === undefined || (isOptional(element) && isOptional(other)) || mayMeet(element, other, depth)
  })

const isOptional = (ast: SchemaAST.AST): boolean => ast.context?.isOptional === true

/** The refusal of a value of which JSON would give another one back. */
export const otherMember = (value: unknown, read: unknown, names: ReadonlySet<string>): FormatError => {
  const path = pathOfDifference(value, read, names)
  return new FormatError(`JSON would give back another member of a union${path === "" ? "" : ` at ${path}`}`)
}

const pathOfDifference = (a: unknown, b: unknown, names: ReadonlySet<string>): string => {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return ""
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return ""
  for (const [name, part] of Object.entries(a)) {
    const other: unknown = Reflect.get(b, name)
    if (isDeepStrictEqual(part, other)) continue
    const step = Array.isArray(a) ? `[${name}]` : names.has(name) ? `.${name}` : "[…]"
    return step + pathOfDifference(part, other, names)
  }
  return ""
}
