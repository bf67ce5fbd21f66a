/** What keys take in the memory of their servers. */
import { Effect, Option, Order, Random, Stream } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { KeySpace } from "../../../schema/key.ts"
import type { KeySize, LargestKeysOptions } from "../../operations/CacheKeySpace.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { split } from "../kernel/batches.ts"
import * as replies from "../kernel/replies.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"

/** Of MEMORY USAGE. */
export const usage = (reply: Reply): Effect.Effect<Option.Option<number>, CommandError> => {
  if (reply === null) return Effect.succeedNone
  return typeof reply === "number" ? Effect.succeedSome(reply) : replies.unexpected("memoryUsage")
}

const bySize = Order.flip(Order.mapInput(Order.Number, ({ bytes }: KeySize) => bytes))

/** Measures some of the keys that a scan finds. Keys that went meanwhile are left out. */
export const largest = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  space: KeySpace,
  { limit = 10, sample = 1000 }: Pick<LargestKeysOptions, "limit" | "sample">
): Effect.fn.Return<ReadonlyArray<KeySize>, CommandError> {
  const most = yield* wholeNumber("largestKeys", "limit", limit, 1)
  const size = yield* wholeNumber("largestKeys", "sample", sample, 1)
  const chosen = yield* chooseFrom(client.scan({ match: space.match }), size, space.userKey)
  const sizes: Array<KeySize> = []
  for (const part of split([...chosen], ([final]) => final.length)) {
    const results = yield* client.pipeline(part.map(([final]) => ({ name: "MEMORY", args: ["USAGE", final] })))
    for (const [i, result] of results.entries()) {
      const bytes = yield* usage(yield* Effect.fromResult(result))
      if (Option.isSome(bytes)) sizes.push({ key: part[i]![1], bytes: bytes.value })
    }
  }
  return sizes.toSorted(bySize).slice(0, most)
})

/** Chooses `size` keys at random, however many there are (reservoir sampling). Returns them by final key. */
const chooseFrom = <E>(
  scanned: Stream.Stream<string, E>,
  size: number,
  userKey: KeySpace["userKey"]
): Effect.Effect<ReadonlyMap<string, string>, E> =>
  Effect.flatMap(Random.Random, (random) =>
    Effect.suspend(() => {
      const places: Array<readonly [final: string, key: string]> = []
      let seen = 0
      const look = (page: ReadonlyArray<string>) =>
        Effect.sync(() => {
          for (const final of page) {
            const key = userKey(final)
            if (key === undefined) continue
            seen++
            const place = places.length < size ? places.length : Math.floor(random.nextDoubleUnsafe() * seen)
            if (place < size) places[place] = [final, key]
          }
        })
      // A key that a scan gives twice is measured once.
      return Effect.map(Stream.runForEachArray(scanned, look), () => new Map(places))
    })
  )
