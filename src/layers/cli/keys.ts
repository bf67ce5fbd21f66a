/** Commands about keys: `keys`, `get`, `set`, `delete`, `ttl`. They take final keys, as the server has them. */
import { Clock, Effect, Exit, Option, Result, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { isKeyType, keyTypes } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type Entry, entryAt } from "../inspection/Entry.ts"
import { valueFacts } from "../inspection/entryFacts.ts"
import { replyOf } from "../inspection/replies.ts"
import { CliFailure } from "./CliFailure.ts"
import { connected, type Output } from "./root.ts"
import { lifetime } from "../inspection/words.ts"
import { table, visible, visibleLines } from "./text.ts"

const key = Argument.String("key").pipe(Argument.withDescription("The whole key, with prefix and version"))

const missing = (key: string) => new CliFailure({ code: 1, message: `There is no key ${JSON.stringify(key)}.` })

/** Where nothing is found the output is empty, so that the reason goes to the standard error stream. */
const noneFound = (pattern: string) =>
  Stream.fromEffectDrain(
    Effect.sync(() => {
      const isGlob = /[*?[\\]/.test(pattern)
      const hint = isGlob
        ? ""
        : ` A pattern is for whole keys. ${JSON.stringify(`${pattern}*`)} matches keys that begin with it.`
      process.stderr.write(`effect-vcache: No key matches ${JSON.stringify(pattern)}.${hint}\n`)
    })
  )

const millisLeft = (pttl: number): number | null => (pttl < 0 ? null : pttl)

/** Keys of one round trip. */
const page = 200

/** The type, the lifetime and the memory of keys. Keys that have expired meanwhile are left out. */
const detailsOf = (client: ValkeyClientShape, keys: ReadonlyArray<string>) =>
  Effect.map(
    client.pipeline(
      keys.flatMap((key) => [
        { name: "TYPE", args: [key] },
        { name: "PTTL", args: [key] },
        { name: "MEMORY", args: ["USAGE", key] }
      ])
    ),
    (results) =>
      keys.flatMap((key, index) => {
        const [type, pttl, bytes] = results.slice(3 * index, 3 * index + 3).map(replyOf)
        if (type === "none" || pttl === -2) return []
        return [
          {
            key,
            type: type === undefined ? undefined : String(type),
            ttl: pttl === undefined ? undefined : millisLeft(Number(pttl)),
            bytes: bytes === undefined || bytes === null ? undefined : Number(bytes)
          }
        ]
      })
  )

export const keys = Command.make(
  "keys",
  {
    pattern: Argument.String("pattern").pipe(
      Argument.withDescription("A glob over whole keys: app:1:*"),
      Argument.withDefault("*")
    ),
    type: Flag.Literals("type", keyTypes).pipe(Flag.withDescription("Only keys of this type"), Flag.optional),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("The largest number of keys; 0 means all"),
      Flag.withDefault(1000)
    ),
    long: Flag.Boolean("long").pipe(
      Flag.withAlias("l"),
      Flag.withDescription("Also type, lifetime and bytes in memory"),
      Flag.withDefault(false)
    )
  },
  ({ limit, long, pattern, type }) =>
    connected((client, output) => {
      const matching = client.scan({ match: pattern, ...(Option.isSome(type) ? { type: type.value } : {}) })
      const found = output.isJson ? matching : Stream.orElseIfEmpty(matching, () => noneFound(pattern))
      const limited = limit > 0 ? Stream.take(found, limit) : found
      if (!long) {
        return Stream.runForEach(limited, (key) => (output.isJson ? output.json({ key }) : output.line(visible(key))))
      }
      return Stream.runForEachArray(Stream.rechunk(limited, page), (keys) =>
        Effect.flatMap(detailsOf(client, keys), (all) => {
          if (output.isJson) return Effect.forEach(all, output.json, { discard: true })
          const rows = all.map(({ bytes, key, ttl, type }) => [
            type ?? "?",
            ttl === undefined ? "?" : lifetime(ttl ?? -1),
            bytes === undefined ? "?" : `${bytes} B`,
            visible(key)
          ])
          return Effect.forEach(table(rows), output.line, { discard: true })
        })
      )
    })
).pipe(
  Command.withDescription(
    "Lists the matching keys, page by page with SCAN. A key may appear twice. Keys that are not UTF-8 are left out"
  )
)

const contentOf = ({ content }: Entry): string => {
  switch (content._tag) {
    case "Elements":
      return table(content.elements.map(({ cells }) => cells.map(visible))).join("\n")
    case "TooLong":
      return `the value is too long to show; it begins with 0x${content.beginning.slice(0, 128)}`
    case "Value":
      return visibleLines(content.form.text)
  }
}

const factsOf = ({ content, pttl, size, type }: Entry, now: number): string => {
  const facts = [type, type === "string" ? `${size} bytes` : `${size} elements`, `lives ${lifetime(pttl)}`]
  if (content._tag !== "Value") return facts.join(", ")
  const { form } = content
  facts.push(...valueFacts(form, now).map(([term, words]) => visible(term === "Tags" ? `tags ${words}` : words)))
  return `${facts.join(", ")}${form.reason === undefined ? "" : `\n${form.reason}`}`
}

const jsonOf = (key: string, { content, pttl, size, type }: Entry) => {
  const facts = { key, type, ttl: millisLeft(pttl), size }
  switch (content._tag) {
    case "Elements":
      return {
        ...facts,
        elements: content.elements.map(({ cells }) =>
          Object.fromEntries(content.columns.map((name, at) => [name, cells[at]]))
        )
      }
    case "TooLong":
      return { ...facts, beginning: content.beginning }
    case "Value": {
      const { format, shownAs, tags, text, timing } = content.form
      const value: unknown = shownAs === "json" ? JSON.parse(text) : text
      return { ...facts, format, shownAs, freshUntil: timing?.freshUntil ?? null, tags, value }
    }
  }
}

const show = (output: Output, key: string, entry: Entry) =>
  output.isJson
    ? output.json(jsonOf(key, entry))
    : Effect.andThen(
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.sync(() => process.stderr.write(`${factsOf(entry, now)}\n`))
        ),
        output.line(contentOf(entry))
      )

export const get = Command.make("get", { key }, ({ key }) =>
  connected((client, output) =>
    Effect.flatMap(entryAt(client, key), (entry): Effect.Effect<void, CliFailure> =>
      entry === undefined ? Exit.fail(missing(key)) : show(output, key, entry)
    )
  )
).pipe(
  Command.withDescription(
    "Shows the value of a key, decoded by its stored format, or the first 100 elements of a structure. Exit code 1 if the key does not exist"
  )
)

export const set = Command.make(
  "set",
  {
    key,
    value: Argument.String("value").pipe(Argument.withDescription("JSON, stored as Serializer.json stores it")),
    ttl: Flag.Int("ttl").pipe(
      Flag.withDescription("Lifetime in milliseconds. Default: the lifetime of the existing key, or no expiry"),
      Flag.optional
    )
  },
  ({ key, ttl, value }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const text = yield* Effect.try({
          // As `Serializer.json` writes it.
          try: () => JSON.stringify(JSON.parse(value)),
          catch: () =>
            new CliFailure({ code: 2, message: "The value is not JSON. Text needs its own quotes: '\"text\"'." })
        })
        if (Option.isSome(ttl) && ttl.value < 1)
          return yield* new CliFailure({ code: 2, message: "--ttl must be above 0." })
        const type = String(yield* client.send("TYPE", [key]))
        if (isKeyType(type) && type !== "string") {
          return yield* new CliFailure({ code: 1, message: `The key holds a ${type}, which set does not replace.` })
        }
        yield* client.send("SET", [key, text, ...(Option.isSome(ttl) ? ["PX", ttl.value] : ["KEEPTTL"])])
        if (output.isJson) yield* output.json({ key, stored: true })
      })
    )
).pipe(Command.withDescription("Stores a JSON value, for caches with Serializer.json and no cipher"))

export const remove = Command.make(
  "delete",
  { keys: Argument.String("key").pipe(Argument.withDescription("Whole keys"), Argument.atLeast(1)) },
  ({ keys }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const results = yield* client.pipeline(keys.map((key) => ({ name: "UNLINK", args: [key] })))
        let gone = 0
        for (const [at, key] of keys.entries()) {
          const count = yield* Effect.fromResult(results[at] ?? Result.succeed(0))
          if (count === 1) gone++
          yield* output.isJson
            ? output.json({ key, deleted: count === 1 })
            : output.line(`${count === 1 ? "deleted" : "not there"}  ${visible(key)}`)
        }
        if (gone === 0) return yield* new CliFailure({ code: 1, message: "" })
      })
    )
).pipe(Command.withDescription("Deletes keys. Exit code 1 if none of them existed"))

export const ttl = Command.make("ttl", { key }, ({ key }) =>
  connected((client, output) =>
    Effect.gen(function* () {
      const pttl = Number(yield* client.send("PTTL", [key]))
      if (pttl === -2) return yield* missing(key)
      yield* output.isJson ? output.json({ key, ttl: millisLeft(pttl) }) : output.line(lifetime(pttl))
    })
  )
).pipe(Command.withDescription("Prints the remaining lifetime of a key. Exit code 1 if the key does not exist"))
