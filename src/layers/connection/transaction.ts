/** MULTI/EXEC in one write, so that nobody's command comes between. */
import { Effect, Exit } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Command, Reply } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { checkCommand } from "../shared/commandRules.ts"
import { type CommandOptions, pendingOf } from "./commands.ts"
import type { Connection } from "./Connection.ts"
import { failedInTransaction, transactionAborted } from "./errors.ts"
import { CallbackCommand, readText, reader } from "./PendingCommand.ts"

export const makeTransaction =
  (connection: Connection, { kind, maxValueBytes }: CommandOptions): ValkeyClientShape["transaction"] =>
  (commands) => {
    if (commands.length === 0) return Exit.succeed([])
    const wires = commands.map(({ name, args }) => checkCommand(name, args, kind, maxValueBytes))
    const bad = wires.findIndex((wire) => typeof wire === "string")
    if (bad >= 0) return refused(commands[bad]!.name, String(wires[bad]))
    return Effect.callback((resume) => {
      let firstError: CacheError | undefined
      // They are answered with QUEUED, or with what keeps the transaction from running.
      const queued = commands.map((command, i) => {
        const wire = wires[i]!
        return pendingOf(command, typeof wire === "string" ? [] : wire, (result) => {
          if (result._tag === "Failure") firstError ??= result.failure
        })
      })
      let replies: Array<Reply> = []
      let failure: CacheError | undefined
      const exec = new CallbackCommand(
        "EXEC",
        [],
        (_, reply) => {
          const read = readReplies(connection, commands, reply)
          if (Array.isArray(read)) replies = read
          else failure = read
          return null
        },
        () => resume(failure === undefined ? Exit.succeed(replies) : Exit.fail(failure)),
        (error) =>
          resume(
            Exit.fail(
              error._tag === "CacheServerError" && error.code === "EXECABORT"
                ? transactionAborted(connection.link.circumstances("EXEC"), error.reply, firstError)
                : error
            )
          )
      )
      const multi = new CallbackCommand(
        "MULTI",
        [],
        readText,
        () => {},
        (error) => (firstError ??= error)
      )
      const prelude = [multi, ...queued]
      exec.prelude = prelude
      connection.send(exec)
      return Effect.sync(() => {
        for (const command of prelude) command.settled = true
        connection.abandon(exec)
      })
    })
  }

/** The replies of all commands, or the error of the first that failed while its neighbours ran. */
const readReplies = (
  connection: Connection,
  commands: ReadonlyArray<Command>,
  reply: unknown
): Array<Reply> | CacheError => {
  if (!Array.isArray(reply) || reply.length !== commands.length) return protocolError("EXEC", connection.link.node)
  const failed = reply.findIndex((item) => item instanceof Error)
  if (failed >= 0) {
    return failedInTransaction(connection.link.circumstances(commands[failed]!.name), reply[failed])
  }
  return reply.map((item, i) => reader(commands[i]!.reply)(commands[i]!.name, item))
}
