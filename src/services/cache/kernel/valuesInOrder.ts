/** The values of many keys. */
import { Effect, Exit, Option } from "effect"
import { type EntryName, valueNow } from "../../../schema/ValueCodec.ts"

/**
 * Adds those that there are, by their keys, in the order of their names. No step of the fiber is taken as long as none of them
 * needs one; from the first that does, all that follow take theirs. `from`: those before are there already.
 */
export const valuesInOrder = <A, E, R>(
  names: ReadonlyArray<EntryName>,
  valueAt: (i: number) => Effect.Effect<Option.Option<A>, E, R>,
  values = new Map<string, A>(),
  from = 0
): Effect.Effect<Map<string, A>, E, R> => {
  const add = ({ key }: EntryName, value: Option.Option<A>) => {
    if (Option.isSome(value)) values.set(key, value.value)
  }
  for (let i = from; i < names.length; i++) {
    const value = valueNow(valueAt(i))
    if (value === undefined) {
      const steps = Effect.forEach(
        names.slice(i),
        (name, j) => Effect.map(valueAt(i + j), (value) => add(name, value)),
        { discard: true }
      )
      return Effect.as(steps, values)
    }
    add(names[i]!, value.value)
  }
  return Exit.succeed(values)
}
