/** What a file imports and exports, read by a parser: nothing that a regular expression would miss. */
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

/** Visits each node, the outer ones first. */
const walk = (value: unknown, visit: (node: Node) => void): void => {
  if (Array.isArray(value)) return value.forEach((part) => walk(part, visit))
  if (!isNode(value)) return
  visit(value)
  for (const part of Object.values(value)) walk(part, visit)
}

const parse = (text: string) => parseAst(text, { lang: "ts" })

export const importsOf = (text: string): ReadonlyArray<Import> => {
  const found: Array<Import> = []
  walk(parse(text), (node) => found.push(...importsIn(node)))
  return found
}

export interface Exports {
  /** What is defined here. */
  readonly names: ReadonlySet<string>
  readonly classes: ReadonlySet<string>
  /** What comes from other files, under the name that it is given here. */
  readonly passedOn: ReadonlyArray<{ readonly name: string; readonly path: string }>
}

const nameOf = (node: unknown): string | undefined =>
  isNode(node) && typeof node["name"] === "string" ? node["name"] : undefined

export const exportsOf = (text: string): Exports => {
  const names = new Set<string>()
  const classes = new Set<string>()
  const passedOn: Array<{ readonly name: string; readonly path: string }> = []
  walk(parse(text), (node) => {
    const path = textOf(node["source"])
    if (node.type === "ExportAllDeclaration" && path !== undefined) {
      const name = nameOf(node["exported"])
      if (name !== undefined) passedOn.push({ name, path })
    }
    if (node.type !== "ExportNamedDeclaration") return
    for (const specifier of Array.isArray(node["specifiers"]) ? node["specifiers"] : []) {
      const name = nameOf(specifier.exported)
      if (name === undefined) continue
      if (path === undefined) names.add(name)
      else passedOn.push({ name, path })
    }
    const { declaration } = node
    if (!isNode(declaration)) return
    const declared = Array.isArray(declaration["declarations"]) ? declaration["declarations"] : [declaration]
    for (const one of declared) {
      const name = nameOf(one.id)
      if (name === undefined) continue
      names.add(name)
      if (declaration.type === "ClassDeclaration") classes.add(name)
    }
  })
  return { names, classes, passedOn }
}
