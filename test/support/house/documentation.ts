/** Which public names, and which of their members, have a doc comment: followed from the package's doors. */
import { posix } from "node:path"
import { parseAst } from "vitest/node"
import type { Files } from "./arrows.ts"

export interface Described {
  /** `file › Name` or `file › Name.member`. */
  readonly name: string
  /** All its doc comments, one after the other. */
  readonly comment: string
  /** A member that may be left out. */
  readonly isOptional: boolean
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [name: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value

const nodesIn = (value: unknown): ReadonlyArray<Node> => (Array.isArray(value) ? value.filter(isNode) : [])

const nameOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  const name = node.type === "Literal" ? node["value"] : node["name"]
  return typeof name === "string" ? name : undefined
}

/** The doc comment that ends just before a place in the text. */
const commentBefore = (text: string, place: number): string => {
  const before = text.slice(0, place).trimEnd()
  const start = before.lastIndexOf("/*")
  return before.endsWith("*/") && before.startsWith("/**", start) ? before.slice(start) : ""
}

/** The members of an object type. The cases of a union are described by the comment of the union, or each by one of its own. */
const membersOf = (type: unknown): ReadonlyArray<Node> => {
  if (!isNode(type)) return []
  if (type.type === "TSTypeLiteral") return nodesIn(type["members"])
  return type.type === "TSIntersectionType" ? nodesIn(type["types"]).flatMap(membersOf) : []
}

const isPublic = (member: Node): boolean =>
  member["accessibility"] !== "private" &&
  member["accessibility"] !== "protected" &&
  member["override"] !== true &&
  member["kind"] !== "constructor"

/** The members of a declaration that a program can use. */
const declaredMembers = (declaration: Node): ReadonlyArray<Node> => {
  switch (declaration.type) {
    case "TSInterfaceDeclaration":
    case "ClassDeclaration":
      return isNode(declaration["body"]) ? nodesIn(declaration["body"]["body"]).filter(isPublic) : []
    case "TSTypeAliasDeclaration":
      return membersOf(declaration["typeAnnotation"])
    default:
      return []
  }
}

/** Reads all that the doors offer: each name once, with all comments of its declarations and overloads. */
export const documentationOf = (files: Files, doors: Iterable<string>): ReadonlyArray<Described> => {
  const found = new Map<string, Described>()
  const trees = new Map<string, ReadonlyArray<Node>>()
  const declared = new Set<Node>()

  const treeOf = (file: string): ReadonlyArray<Node> => {
    const tree = trees.get(file) ?? nodesIn(parseAst(files.get(file) ?? "", { lang: "ts" }).body)
    trees.set(file, tree)
    return tree
  }

  const note = (name: string, comment: string, isOptional: boolean): void => {
    const known = found.get(name)?.comment ?? ""
    found.set(name, { name, comment: known + comment, isOptional })
  }

  const declare = (file: string, name: string, declaration: Node, place: number): void => {
    const text = files.get(file) ?? ""
    if (declared.has(declaration)) return
    declared.add(declaration)
    note(`${file} › ${name}`, commentBefore(text, place), false)
    for (const member of declaredMembers(declaration)) {
      const key = nameOf(member["key"])
      if (key === undefined || key === "_tag" || !isNode(member["key"]) || member["key"].type === "PrivateIdentifier")
        continue
      note(`${file} › ${name}.${key}`, commentBefore(text, member.start), member["optional"] === true)
    }
  }

  /** Visits what a file exports; of the names, only those that are asked for. */
  const visit = (file: string, wanted: (name: string) => boolean): void => {
    for (const node of treeOf(file)) {
      const source = isNode(node["source"]) ? nameOf(node["source"]) : undefined
      const other = source?.startsWith(".") === true ? posix.join(posix.dirname(file), source) : undefined
      if (node.type === "ExportAllDeclaration" && other !== undefined) visit(other, wanted)
      if (node.type !== "ExportNamedDeclaration") continue
      const asked = new Set(
        nodesIn(node["specifiers"])
          .map((specifier) => nameOf(specifier["local"]))
          .filter((name) => name !== undefined)
      )
      if (other !== undefined) visit(other, (name) => asked.has(name))
      const { declaration } = node
      if (!isNode(declaration)) continue
      const ones = Array.isArray(declaration["declarations"]) ? nodesIn(declaration["declarations"]) : [declaration]
      for (const one of ones) {
        const name = nameOf(one["id"])
        if (name !== undefined && wanted(name)) declare(file, name, one, node.start)
      }
    }
  }

  for (const door of doors) visit(door, () => true)
  return [...found.values()]
}
