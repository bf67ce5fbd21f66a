/** Structures under several keys, which one operation concerns. */
import { Effect, Option } from "effect"
import type { CacheError, CommandError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheContext } from "../kernel/context.ts"

/** One of them: its key as it was given, and on the server. */
export interface Source {
  readonly key: string
  readonly final: string
}

/** Each key once, in order, and checked. */
export const sourcesOf = (
  { finalKey }: Pick<CacheContext<unknown, unknown, unknown>, "finalKey">,
  operation: string,
  keys: Iterable<string>,
  options: KeyOptions
): Effect.Effect<ReadonlyArray<Source>, CommandError> =>
  Effect.flatMapEager(
    Effect.forEach(new Set(keys), (key) => Effect.map(finalKey(operation, key, options), (final) => ({ key, final }))),
    (sources) => (sources.length === 0 ? refused(operation, "give at least one key") : Effect.succeed(sources))
  )

/** The one that a reply names. */
export const sourceNamed = (sources: ReadonlyArray<Source>, name: Stored): Source | undefined => {
  const final = String(name)
  return sources.find((source) => source.final === final)
}

/** Declares and runs an operation on all of them. `neutral`: its result as if the cache were empty. */
export const overKeys = <B, E extends CacheError, R>(
  context: Pick<CacheContext<unknown, unknown, unknown>, "begin" | "finalKey" | "guard">,
  operation: string,
  keys: ReadonlyArray<string>,
  options: KeyOptions,
  neutral: B,
  effect: (sources: ReadonlyArray<Source>) => Effect.Effect<B, E, R>
): Effect.Effect<B, E | CommandError, R> => {
  const { begin, guard } = context
  return guard(
    { name: operation, key: undefined, neutral: Option.some(neutral) },
    begin(() => Effect.flatMapEager(sourcesOf(context, operation, keys, options), effect))
  )
}
