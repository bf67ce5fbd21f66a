/** The programs in doc comments: blocks of TypeScript between fences. */
import type { Described } from "./documentation.ts"

export interface CommentExample {
  /** The name whose comment it is in. */
  readonly name: string
  readonly source: string
  /** What it says that it prints, in lines that begin with `// => `. */
  readonly prints: string
}

export const examplesOf = (all: ReadonlyArray<Described>): ReadonlyArray<CommentExample> =>
  all.flatMap(({ comment, name }) =>
    [...comment.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms)].map(([, block = ""]) => {
      const source = block.replace(/^ *\* ?/gm, "")
      const prints = Array.from(source.matchAll(/^ *\/\/ => (.*)$/gm), ([, line = ""]) => line).join("\n")
      return { name, source, prints }
    })
  )
