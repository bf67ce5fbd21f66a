/** `effect-vcache top`. */
import { Effect, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { escapeGlob } from "../../schema/key.ts"
import { memoryUsageOf } from "../inspection/memoryUsage.ts"
import { inBytes } from "../inspection/words.ts"
import { withProgress } from "./progress.ts"
import { connected } from "./root.ts"
import { table, visible } from "./text.ts"

/** Keys that are measured in one round trip. */
const page = 200

interface Measured {
  readonly key: string
  readonly bytes: number
}

export const top = Command.make(
  "top",
  {
    prefix: Flag.String("prefix").pipe(
      Flag.withDescription("Only keys that begin with this text, such as app:1:"),
      Flag.withDefault("")
    ),
    count: Flag.Int("count").pipe(Flag.withDescription("How many keys to list"), Flag.withDefault(20)),
    sample: Flag.Int("sample").pipe(
      Flag.withDescription("The largest number of keys to measure; 0 means all"),
      Flag.withDefault(10_000)
    )
  },
  ({ count, prefix, sample }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const found = client.scan({ match: `${escapeGlob(prefix)}*` })
        let largest: ReadonlyArray<Measured> = []
        let [measured, bytes] = [0, 0]
        yield* withProgress("keys", (advance) =>
          Stream.runForEachArray(Stream.rechunk(sample > 0 ? Stream.take(found, sample) : found, page), (keys) =>
            Effect.gen(function* () {
              const sizes = yield* memoryUsageOf(client, keys)
              const here = keys.map((key, at): Measured => ({ key, bytes: sizes[at] ?? 0 }))
              measured += here.length
              bytes += sizes.reduce((sum, size) => sum + size, 0)
              const all = new Map([...largest, ...here].map(({ bytes, key }) => [key, bytes]))
              largest = [...all]
                .map(([key, bytes]): Measured => ({ key, bytes }))
                .toSorted((a, b) => b.bytes - a.bytes)
                .slice(0, Math.max(1, count))
              advance(here.length)
            })
          )
        )
        if (output.isJson) {
          yield* Effect.forEach(largest, output.json, { discard: true })
          return
        }
        const lines = table(largest.map(({ bytes, key }) => [inBytes(bytes), visible(key)]))
        yield* Effect.forEach(lines, output.line, { discard: true })
        yield* Effect.sync(() =>
          process.stderr.write(`of ${measured} keys that were measured, with ${inBytes(bytes)}\n`)
        )
      })
    )
).pipe(Command.withDescription("Lists the largest keys of a sample, by MEMORY USAGE"))
