/** `effect-vcache export` and `effect-vcache import`: keys as lines of JSON, whatever their type, with their lifetimes. */
import { Effect, Option, Result, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Stdio } from "effect/Stdio"
import type { Command as ServerCommand } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { escapeGlob } from "../../schema/key.ts"
import { CliFailure } from "./CliFailure.ts"
import { withProgress } from "./progress.ts"
import { connected } from "./root.ts"

/** One line of an export. */
const Line = Schema.Struct({
  /** The key; `keyBytes` has it in base64 where it is no text. */
  key: Schema.optionalKey(Schema.String),
  keyBytes: Schema.optionalKey(Schema.String),
  /** Milliseconds since 1970; null = for ever. */
  expireAt: Schema.NullOr(Schema.Int),
  /** DUMP of the value, in base64. */
  dump: Schema.String
})
type Line = typeof Line.Type

const parseLine = Schema.decodeUnknownOption(Schema.fromJsonString(Line))

/** Keys of one round trip. */
const page = 100

const linesOf = (client: ValkeyClientShape, keys: ReadonlyArray<string | Buffer>) =>
  Effect.gen(function* () {
    const results = yield* client.pipeline(
      keys.flatMap((key): ReadonlyArray<ServerCommand> => [
        { name: "PEXPIRETIME", args: [key] },
        { name: "DUMP", args: [key], reply: "buffer" }
      ])
    )
    const lines: Array<Line> = []
    for (const [at, key] of keys.entries()) {
      const expireAt = Number(yield* Effect.fromResult(results[2 * at] ?? Result.succeed(-2)))
      const dump = yield* Effect.fromResult(results[2 * at + 1] ?? Result.succeed(null))
      // The key has expired since it was found.
      if (!Buffer.isBuffer(dump)) continue
      const name = typeof key === "string" ? { key } : { keyBytes: key.toString("base64") }
      lines.push({ ...name, expireAt: expireAt < 0 ? null : expireAt, dump: dump.toString("base64") })
    }
    return lines
  })

export const exported = Command.make(
  "export",
  {
    prefix: Argument.String("prefix").pipe(
      Argument.withDescription("The beginning of the keys"),
      Argument.withDefault("")
    )
  },
  ({ prefix }) =>
    connected((client, output) =>
      withProgress("keys exported", (advance) =>
        Stream.runForEachArray(Stream.rechunk(client.scanBinary({ match: `${escapeGlob(prefix)}*` }), page), (keys) =>
          Effect.flatMap(linesOf(client, [...new Set(keys)]), (lines) => {
            advance(lines.length)
            return Effect.forEach(lines, output.json, { discard: true })
          })
        )
      )
    )
).pipe(
  Command.withDescription(
    "Writes the keys of a prefix to the standard output, a line of JSON each: key, the instant at which it expires, and DUMP in base64. A key may appear twice"
  )
)

const restore = ({ dump, expireAt, key, keyBytes }: Line, replace: boolean): ServerCommand => ({
  name: "RESTORE",
  args: [
    key ?? Buffer.from(keyBytes ?? "", "base64"),
    expireAt ?? 0,
    Buffer.from(dump, "base64"),
    "ABSTTL",
    ...(replace ? ["REPLACE"] : [])
  ]
})

export const imported = Command.make(
  "import",
  {
    replace: Flag.Boolean("replace").pipe(
      Flag.withDescription("Replace existing keys. Default: keep them"),
      Flag.withDefault(false)
    )
  },
  ({ replace }) =>
    connected((client, output) =>
      withProgress("keys imported", (advance) =>
        Effect.gen(function* () {
          const stdio = yield* Stdio
          let stored = 0
          let kept = 0
          let lineNumber = 0
          const lines = stdio.stdin.pipe(
            Stream.mapError(({ message }) => new CliFailure({ code: 2, message })),
            Stream.decodeText(),
            Stream.splitLines
          )
          yield* Stream.runForEachArray(Stream.rechunk(lines, page), (texts) =>
            Effect.gen(function* () {
              const commands: Array<ServerCommand> = []
              for (const text of texts) {
                lineNumber++
                if (text.trim() === "") continue
                const line = parseLine(text)
                if (Option.isNone(line) || (line.value.key === undefined) === (line.value.keyBytes === undefined)) {
                  return yield* new CliFailure({
                    code: 2,
                    message: `Line ${lineNumber} was not written by export.`
                  })
                }
                commands.push(restore(line.value, replace))
              }
              const results = yield* client.pipeline(commands)
              for (const result of results) {
                if (Result.isSuccess(result)) stored++
                else if (result.failure._tag === "CacheServerError" && result.failure.code === "BUSYKEY") kept++
                else return yield* Effect.fail(result.failure)
              }
              advance(results.length)
            })
          )
          yield* output.isJson
            ? output.json({ stored, kept })
            : output.line(`${stored} keys stored, ${kept} left as they were`)
        })
      )
    )
).pipe(
  Command.withDescription(
    "Reads lines of export from the standard input, and stores the keys with what is left of their lifetimes. A server that is older than the exporting one may refuse them"
  )
)
