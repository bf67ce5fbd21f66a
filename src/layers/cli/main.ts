/** The command line. */
import { createRequire } from "node:module"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Logger, Runtime, Schema } from "effect"
import { CliError, Command } from "effect/cli"
import { admin } from "./admin.ts"
import { bench } from "./bench.ts"
import { CliFailure } from "./CliFailure.ts"
import { doctor } from "./doctor.ts"
import { get, keys, remove, set, ttl } from "./keys.ts"
import { locks } from "./locks.ts"
import { root } from "./root.ts"
import { stats, watch } from "./stats.ts"
import { tags } from "./tags.ts"
import { top } from "./top.ts"
import { exported, imported } from "./transfer.ts"

const Package = Schema.Struct({ version: Schema.String })

const command = root.pipe(
  Command.withSubcommands([
    doctor,
    admin,
    keys,
    get,
    set,
    remove,
    ttl,
    tags,
    locks,
    top,
    stats,
    watch,
    exported,
    imported,
    bench
  ])
)

/** A wrong call ends with 2, as for the shell's own commands. `effect/cli` has printed what is wrong. */
const codeOf = (exit: Exit.Exit<unknown, unknown>): number | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.squash(exit.cause)
  return CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0 ? 2 : undefined
}

const teardown: Runtime.Teardown = (exit, onExit) => {
  const code = codeOf(exit)
  return code === undefined ? Runtime.defaultTeardown(exit, onExit) : onExit(code)
}

const told = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    const error = Cause.squash(cause)
    if (Cause.hasInterruptsOnly(cause) || CliError.isCliError(error)) return
    const text = error instanceof CliFailure ? error.message : Cause.pretty(cause)
    if (text !== "") process.stderr.write(`effect-vcache: ${text}\n`)
  })

export const run = (): void => {
  // `effect-vcache keys | head` has read enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error
    process.exit(0)
  })
  const { version } = Schema.decodeUnknownSync(Package)(createRequire(import.meta.url)("effect-vcache/package.json"))
  const program = Command.run(command, { version }).pipe(
    Effect.tapCause(told),
    // The standard output contains only what the command prints.
    Effect.provideService(Logger.LogToStderr, true),
    Effect.provide(NodeServices.layer)
  )
  NodeRuntime.runMain(program, { disableErrorReporting: true, teardown })
}
