/** Tells the first store what was done in the second. */
import { Effect, Result, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command, WireArg } from "../../schema/Command.ts"
import { isOutage } from "../../schema/failures.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { Arrears } from "./Arrears.ts"

/** Keys of one command, and commands that go out together. */
const together = 1000

export const tell = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  { flush, forgotten, patterns, removals }: Arrears
): Effect.fn.Return<void, CommandError> {
  if (flush !== undefined) yield* client.send(flush, [])
  for (const { deletes, match } of patterns.all()) {
    const found = Stream.filter(client.scanBinary({ match }), (key) => deletes(String(key)))
    yield* Stream.runForEachArray(found, (keys) => unlinkAll(client, keys))
  }
  for (const commands of parts([...removals.values()])) {
    const results = yield* client.pipeline(commands)
    // From what is no such structure there, nothing is to be removed.
    const failure = results.map(Result.getFailure).find((error) => error._tag === "Some" && isOutage(error.value))
    if (failure?._tag === "Some") return yield* Effect.fail(failure.value)
  }
  yield* unlinkAll(client, forgotten.all())
})

export const unlinkAll = (
  client: Pick<ValkeyClientShape, "pipeline">,
  keys: ReadonlyArray<WireArg>
): Effect.Effect<void, CommandError> => {
  const commands = parts(keys).map((args): Command => ({ name: "UNLINK", args }))
  return Effect.flatMap(client.pipeline(commands), (results) => Effect.asVoid(Effect.fromResult(Result.all(results))))
}

const parts = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / together) }, (_, i) => all.slice(i * together, (i + 1) * together))
