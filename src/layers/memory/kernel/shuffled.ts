/** Chance. */
import type { CommandContext } from "./CommandContext.ts"

/** In an order by chance, in place: Fisher and Yates. */
export const shuffled = <A>(context: CommandContext, all: Array<A>): Array<A> => {
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(context.random() * (i + 1))
    const other = all[j]!
    all[j] = all[i]!
    all[i] = other
  }
  return all
}
