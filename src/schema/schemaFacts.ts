/** What can be told of a schema without running it. */
import type { SchemaAST } from "effect"

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
