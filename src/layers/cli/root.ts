/** What all commands share: how they reach the server, and how they print. */
import { Config, Console, Effect, Option, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import type { CommandError } from "../../schema/CacheError.ts"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"
import * as ValkeyUrl from "../topologies/ValkeyUrl.ts"
import { CliFailure } from "./CliFailure.ts"

export const root = Command.make("effect-vcache").pipe(
  Command.withSharedFlags({
    url: Flag.Redacted("url").pipe(
      Flag.withDescription(
        "URL of the server: valkey://, valkeys://, sentinel://, cluster://, ring:// … Default: the environment variable VALKEY_URL, which hides a password from other users"
      ),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print JSON, one line for each thing"),
      Flag.withDefault(false)
    )
  }),
  Command.withDescription("Shows what is in a cache on Valkey, and says what is wrong with its server")
)

const fromEnvironment = Config.option(Config.Redacted("VALKEY_URL"))

const urlOf = (given: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function* () {
    const url = Option.getOrElse(given, () => undefined) ?? Option.getOrUndefined(yield* fromEnvironment)
    // An empty URL would mean the memory of this process, which holds nothing.
    if (url !== undefined && Redacted.value(url) !== "") return url
    return yield* new CliFailure({ code: 2, message: "No server is named. Set VALKEY_URL, or give --url." })
  }).pipe(Effect.catchTag("ConfigError", ({ message }) => Effect.fail(new CliFailure({ code: 2, message }))))

/** A person waits, on a machine that may be busy. */
const patience = { commandTimeout: "10 seconds", connectTimeout: "10 seconds" } as const

const failed = (error: CommandError): CliFailure =>
  new CliFailure({ code: error._tag === "CacheInputError" ? 2 : 3, message: error.message })

/** Prints for people, and with `--json` for programs. */
export interface Output {
  readonly isJson: boolean
  /** For people: a line. */
  readonly line: (text: string) => Effect.Effect<void>
  /** For programs: one line of JSON. */
  readonly json: (value: unknown) => Effect.Effect<void>
}

/** Runs with the client of the URL, closed at the end. What the cache fails with becomes an exit code. */
export const connected = <A, R>(
  use: (client: ValkeyClientShape, output: Output) => Effect.Effect<A, CliFailure | CommandError, R>
) =>
  Effect.gen(function* () {
    const { json, url } = yield* root
    const output: Output = {
      isJson: json,
      line: (text) => Console.log(text),
      json: (value) => Console.log(JSON.stringify(value))
    }
    const layer = ValkeyUrl.layer(yield* urlOf(url), patience)
    return yield* Effect.provide(
      Effect.flatMap(ValkeyClient, (client) => use(client, output)),
      layer
    )
  }).pipe(
    Effect.catchTag(
      ["CacheConnectionError", "CacheTimeoutError", "CacheServerError", "CacheInputError", "CacheUnsupportedError"],
      (error) => Effect.fail(failed(error))
    )
  )
