/** The doc comments of the public names and of their members: what the doors export, and the types that it refers to. */
import { posix } from "node:path"
import { parseAst } from "vitest/node"
import type { Files } from "./arrows.ts"

/** A class or a value is there when a program runs, a type is not; what doors export as a type alone is one, too. */
type Kind = "class" | "value" | "type" | "member"

export interface Described {
  /** `file › Name` or `file › Name.member`. */
  readonly name: string
  /** All its doc comments, one after the other. */
  readonly comment: string
  /** A member that may be left out. */
  readonly isOptional: boolean
  readonly kind: Kind
  /** The file exports it; else it only stands in a type that is exported. A member is as its owner. */
  readonly isExported: boolean
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

/** The members of an object type. What a union or an intersection is made of is described by the comment of the whole. */
const membersOf = (type: unknown): ReadonlyArray<Node> =>
  isNode(type) && type.type === "TSTypeLiteral" ? nodesIn(type["members"]) : []

/** The members of the shape in `class A extends Context.Service<A, { … }>()("…")`. */
const serviceMembers = (parent: unknown): ReadonlyArray<Node> => {
  if (!isNode(parent)) return []
  const given = isNode(parent["typeArguments"]) ? nodesIn(parent["typeArguments"]["params"]) : []
  return [...given.flatMap(membersOf), ...serviceMembers(parent["callee"])]
}

/** The members of an object that is exported: those of its type where that is written, else those of its text. */
const valueMembers = (id: unknown, value: unknown): ReadonlyArray<Node> => {
  const annotation = isNode(id) ? id["typeAnnotation"] : undefined
  if (isNode(annotation)) return membersOf(annotation["typeAnnotation"])
  return isNode(value) && value.type === "ObjectExpression" ? nodesIn(value["properties"]) : []
}

const isPublic = (member: Node): boolean =>
  member["accessibility"] !== "private" &&
  member["accessibility"] !== "protected" &&
  member["override"] !== true &&
  member["kind"] !== "constructor"

const classMembers = (body: unknown): ReadonlyArray<Node> =>
  isNode(body) ? nodesIn(body["body"]).filter(isPublic) : []

/** The members of a declaration that a program can use. */
const declaredMembers = (declaration: Node): ReadonlyArray<Node> => {
  switch (declaration.type) {
    case "TSInterfaceDeclaration":
      return isNode(declaration["body"]) ? nodesIn(declaration["body"]["body"]) : []
    case "ClassDeclaration":
      return [...serviceMembers(declaration["superClass"]), ...classMembers(declaration["body"])]
    case "TSTypeAliasDeclaration":
      return membersOf(declaration["typeAnnotation"])
    case "VariableDeclarator":
      return valueMembers(declaration["id"], declaration["init"])
    default:
      return []
  }
}

const kindOf = (declaration: Node): Kind => {
  if (declaration.type === "ClassDeclaration") return "class"
  return declaration.type.startsWith("TS") && declaration.type !== "TSDeclareFunction" ? "type" : "value"
}

/** How a declaration is reached. */
interface Way {
  readonly as: "value" | "type"
  readonly isExported: boolean
}

/** `export type`, of all or of one name. */
const isTypeOf = (node: Node): "type" | undefined => (node["exportKind"] === "type" ? "type" : undefined)

/** The file of the package that an import or an export names. */
const otherFile = (file: string, node: Node): string | undefined => {
  const source = isNode(node["source"]) ? nameOf(node["source"]) : undefined
  return source?.startsWith(".") === true ? posix.join(posix.dirname(file), source) : undefined
}

/** The names of the types that a declaration of a type refers to. */
const typesIn = (value: unknown): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap(typesIn)
  if (!isNode(value)) return []
  const own = value.type === "TSTypeReference" ? nameOf(value["typeName"]) : undefined
  const extended = value.type === "TSInterfaceHeritage" ? nameOf(value["expression"]) : undefined
  return [own ?? extended ?? [], Object.values(value).flatMap(typesIn)].flat()
}

/** Reads all that the doors offer, and the types that it refers to: each name once, with all comments of its declarations and overloads. */
export const documentationOf = (files: Files, doors: Iterable<string>): ReadonlyArray<Described> => {
  const found = new Map<string, Described>()
  const trees = new Map<string, ReadonlyArray<Node>>()
  const declared = new Map<Node, Kind>()

  const treeOf = (file: string): ReadonlyArray<Node> => {
    const tree = trees.get(file) ?? nodesIn(parseAst(files.get(file) ?? "", { lang: "ts" }).body)
    trees.set(file, tree)
    return tree
  }

  const note = (one: Described): void => {
    const known = found.get(one.name)
    if (known === undefined) return void found.set(one.name, one)
    const kind = one.kind === "type" ? known.kind : one.kind
    found.set(one.name, { ...one, comment: known.comment + one.comment, kind })
  }

  const declare = (file: string, name: string, declaration: Node, place: number, { as, isExported }: Way): void => {
    const text = files.get(file) ?? ""
    const kind = as === "type" ? "type" : kindOf(declaration)
    const known = declared.get(declaration)
    if (known === kind || known === "value" || known === "class") return
    declared.set(declaration, kind)
    const comment = known === undefined ? commentBefore(text, place) : ""
    note({ name: `${file} › ${name}`, comment, isExported, isOptional: false, kind })
    if (known !== undefined) return
    for (const member of declaredMembers(declaration)) {
      const key = nameOf(member["key"])
      if (key === undefined || key === "_tag" || !isNode(member["key"]) || member["key"].type === "PrivateIdentifier")
        continue
      const comment = commentBefore(text, member.start)
      const isOptional = member["optional"] === true
      note({ name: `${file} › ${name}.${key}`, comment, isExported, isOptional, kind: "member" })
    }
    if (declaration.type === "TSInterfaceDeclaration" || declaration.type === "TSTypeAliasDeclaration") {
      for (const type of typesIn(declaration)) follow(file, type)
    }
  }

  /** A type that is declared in the file, or imported from another one of the package. */
  const follow = (file: string, name: string): void => {
    for (const node of treeOf(file)) {
      const other = otherFile(file, node)
      const imported = nodesIn(node["specifiers"]).find((specifier) => nameOf(specifier["local"]) === name)
      if (node.type !== "ImportDeclaration") {
        const isExported = isNode(node["declaration"])
        const declaration = isNode(node["declaration"]) ? node["declaration"] : node
        declareAll(file, declaration, node.start, { as: "type", isExported }, (declared) => declared === name)
      } else if (other !== undefined && imported !== undefined) follow(other, nameOf(imported["imported"]) ?? name)
    }
  }

  const declareAll = (file: string, node: Node, place: number, way: Way, wanted: (name: string) => boolean): void => {
    for (const one of Array.isArray(node["declarations"]) ? nodesIn(node["declarations"]) : [node]) {
      const name = nameOf(one["id"])
      if (name !== undefined && wanted(name)) declare(file, name, one, place, way)
    }
  }

  /** Visits what a file exports; of the names, only those that are asked for. */
  const visit = (file: string, as: Way["as"], wanted: (name: string) => boolean): void => {
    for (const node of treeOf(file)) {
      const other = otherFile(file, node)
      if (node.type === "ExportAllDeclaration" && other !== undefined) visit(other, isTypeOf(node) ?? as, wanted)
      if (node.type !== "ExportNamedDeclaration") continue
      for (const specifier of nodesIn(node["specifiers"])) {
        const asked = nameOf(specifier["local"])
        const way = { as: isTypeOf(node) ?? isTypeOf(specifier) ?? as, isExported: true }
        if (other !== undefined) visit(other, way.as, (name) => name === asked)
        else {
          for (const local of treeOf(file))
            declareAll(file, local, local.start, way, (name) => name === asked && wanted(name))
        }
      }
      if (isNode(node["declaration"]))
        declareAll(file, node["declaration"], node.start, { as, isExported: true }, wanted)
    }
  }

  for (const door of doors) visit(door, "value", () => true)
  return [...found.values()]
}
