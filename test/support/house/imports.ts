/** What a file imports, read by a parser: nothing that a regular expression would miss. */
import { parseAst } from "vitest/node"

export interface Import {
  /** As it is written; undefined = it is only known when the program runs. */
  readonly path: string | undefined
  /** Nothing of it is there when the program runs. */
  readonly isType: boolean
}

interface Node {
  readonly type: string
  readonly [name: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

/** The text of a literal, be it a template without holes. */
const textOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"]
  if (node.type === "TSLiteralType") return textOf(node["literal"])
  if (node.type === "TemplateLiteral" && Array.isArray(node["quasis"]) && node["quasis"].length === 1) {
    const [{ value }] = node["quasis"]
    return value.cooked
  }
  return undefined
}

/** Each kind of import that TypeScript knows, and what may be one: an `import { type A }` is loaded all the same. */
const importsIn = (node: Node): ReadonlyArray<Import> => {
  switch (node.type) {
    case "ImportDeclaration":
      return [{ path: textOf(node["source"]), isType: node["importKind"] === "type" }]
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      return isNode(node["source"]) ? [{ path: textOf(node["source"]), isType: node["exportKind"] === "type" }] : []
    case "ImportExpression":
      return [{ path: textOf(node["source"]), isType: false }]
    case "TSImportType":
      return [{ path: textOf(node["source"] ?? node["argument"]), isType: true }]
    case "TSExternalModuleReference":
      return [{ path: textOf(node["expression"]), isType: false }]
    default:
      return []
  }
}

export const importsOf = (text: string): ReadonlyArray<Import> => {
  const found: Array<Import> = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isNode(value)) return
    found.push(...importsIn(value))
    for (const part of Object.values(value)) visit(part)
  }
  visit(parseAst(text, { lang: "ts" }))
  return found
}
