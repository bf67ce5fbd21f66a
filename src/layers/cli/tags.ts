/** `effect-vcache tags`. */
import { Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { escapeGlob } from "../../schema/key.ts"
import { tagsAt } from "../inspection/tagsAt.ts"
import { withProgress } from "./progress.ts"
import { connected } from "./root.ts"
import { table, visible } from "./text.ts"

/** Keys whose tags are asked for at once. */
const page = 500

export const tags = Command.make(
  "tags",
  {
    tag: Argument.String("tag").pipe(
      Argument.withDescription(
        "Lists the keys of values with this tag. Without it: all tags, with the number of values of each"
      ),
      Argument.optional
    ),
    prefix: Flag.String("prefix").pipe(
      Flag.withDescription("Only keys that begin with this text, such as app:1:"),
      Flag.withDefault("")
    ),
    sample: Flag.Int("sample").pipe(
      Flag.withDescription("The largest number of values to read; 0 means all"),
      Flag.withDefault(10_000)
    )
  },
  ({ prefix, sample, tag }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const found = client.scan({ match: `${escapeGlob(prefix)}*`, type: "string" })
        const counts = new Map<string, number>()
        yield* withProgress("values", (advance) =>
          Stream.runForEachArray(Stream.rechunk(sample > 0 ? Stream.take(found, sample) : found, page), (keys) =>
            Effect.gen(function* () {
              const all = yield* tagsAt(client, keys)
              advance(keys.length)
              for (const [at, key] of keys.entries()) {
                const own = all[at] ?? []
                for (const name of own) counts.set(name, (counts.get(name) ?? 0) + 1)
                if (Option.isNone(tag) || !own.includes(tag.value)) continue
                yield* output.isJson ? output.json({ key, tags: own }) : output.line(visible(key))
              }
            })
          )
        )
        if (Option.isSome(tag)) return
        const rows = [...counts].toSorted((a, b) => b[1] - a[1])
        if (output.isJson)
          yield* Effect.forEach(rows, ([tag, values]) => output.json({ tag, values }), { discard: true })
        else {
          const lines = table(rows.map(([tag, values]) => [String(values), visible(tag)]))
          yield* Effect.forEach(lines, output.line, { discard: true })
        }
      })
    )
).pipe(
  Command.withDescription(
    "Counts the tags of a sample of values, or lists the keys with one tag. An invalidated value keeps its tags until its key expires"
  )
)
