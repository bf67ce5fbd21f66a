/** What an editor knows of the project: the types of expressions, and the comment of whatever a name stands for. */
import { API, type Checker, type Program, SymbolFlags, type Symbol as TsSymbol } from "typescript/unstable/sync"

/** A name that a program can write, and what an editor shows beside it. */
export interface Shown {
  /** `door.ts: Name`, or `door.ts: Name.member`. */
  readonly name: string
  readonly comment: string
}

export class TypeChecker {
  readonly #api: API
  readonly #checker: Checker
  readonly #program: Program

  /** The project of a `tsconfig.json`. */
  constructor(config: string) {
    this.#api = new API()
    const project = this.#api.updateSnapshot({ openProjects: [config] }).getProject(config)
    if (project === undefined) throw new Error(`there is no project ${config}`)
    this.#checker = project.checker
    this.#program = project.program
  }

  close(): void {
    this.#api.close()
  }

  /** What is wrong with the types of a file. */
  faultsOf(file: string): ReadonlyArray<string> {
    return this.#program.getSemanticDiagnostics(file).map(({ text }) => text)
  }

  /** The types of what a file exports, by name, as an editor prints them. */
  typesOf(file: string): ReadonlyMap<string, string> {
    return new Map(
      this.#exportsOf(file).map((symbol) => {
        const type = this.#checker.getTypeOfSymbol(symbol)
        return [symbol.name, type === undefined ? "" : this.#checker.typeToString(type)]
      })
    )
  }

  /** What a door exports, with the members that are declared below `source`: where it is used, not where it stands. */
  shownBy(door: string, source: string): ReadonlyArray<Shown> {
    const seen = new Set<number>()
    const shown: Array<Shown> = []
    const show = (name: string, symbol: TsSymbol): boolean => {
      if (seen.has(symbol.id)) return false
      seen.add(symbol.id)
      shown.push({ name, comment: symbol.getDocumentationComment(this.#checker) })
      return true
    }
    const visit = (name: string, exported: TsSymbol): void => {
      const symbol = exported.flags & SymbolFlags.Alias ? this.#checker.getAliasedSymbol(exported) : exported
      if (symbol.flags & SymbolFlags.ValueModule) {
        for (const member of this.#checker.getExportsOfModule(symbol)) visit(`${name}.${member.name}`, member)
        return
      }
      if (!show(name, symbol)) return
      const types = [
        symbol.flags & SymbolFlags.Type ? this.#checker.getDeclaredTypeOfSymbol(symbol) : undefined,
        symbol.flags & SymbolFlags.Value ? this.#checker.getTypeOfSymbol(symbol) : undefined
      ]
      for (const type of types.filter((type) => type !== undefined)) {
        for (const member of this.#checker.getPropertiesOfType(type)) {
          const [declaration] = member.declarations
          if (declaration?.path.startsWith(source) === true) show(`${name}.${member.name}`, member)
        }
      }
    }
    for (const symbol of this.#exportsOf(door)) visit(symbol.name, symbol)
    return shown
  }

  #exportsOf(file: string): ReadonlyArray<TsSymbol> {
    const source = this.#program.getSourceFile(file)
    const module = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source)
    return module === undefined ? [] : this.#checker.getExportsOfModule(module)
  }
}
