/** Keys that a scan finds in a time that a page can take. */
import { Duration, Effect, Option, Stream } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { ScanOptions, ValkeyClientShape } from "../../../services/ValkeyClient.ts"

/** A search for something rare is given up. */
const patience = Duration.seconds(3)

export interface Sample<A> {
  readonly found: ReadonlyArray<A>
  /** The time was over before the scan was, or before there were as many as wanted. */
  readonly gaveUp: boolean
}

/** The first keys, each once, of which `use` makes something. */
export const sample = <A>(
  client: ValkeyClientShape,
  options: ScanOptions,
  most: number,
  use: (key: string) => A | undefined
): Effect.Effect<Sample<A>, CommandError> => {
  const found = new Map<string, A>()
  const search = client.scan(options).pipe(
    Stream.takeWhile(() => found.size < most),
    Stream.runForEach((key) =>
      Effect.sync(() => {
        const made = found.size < most ? use(key) : undefined
        if (made !== undefined) found.set(key, made)
      })
    )
  )
  return Effect.map(Effect.timeoutOption(search, patience), (ended) => ({
    found: [...found.values()],
    gaveUp: Option.isNone(ended)
  }))
}
