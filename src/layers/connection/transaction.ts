/** MULTI/EXEC in one write, so that nobody's command comes between. */
import { Effect, Exit } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Command, Reply, WireArg } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import { checkCommand } from "../commands/commandRules.ts"
import { rowOf } from "../commands/commandTable.ts"
import type { CommandOptions } from "./commands.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import { failedInTransaction, transactionAborted } from "./errors.ts"
import { CallbackCommand, PendingCommand, readText, reader } from "./PendingCommand.ts"

export interface TransactionOptions extends Pick<CommandOptions, "maxValueBytes"> {
  /** The slot of all its keys, or why it cannot run. */
  readonly slotOf?: ((commands: ReadonlyArray<Call>) => number | CacheError | undefined) | undefined
}

interface Call {
  readonly row: CommandRow
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
}

export const makeTransaction =
  (dispatcher: Dispatcher, { maxValueBytes, slotOf }: TransactionOptions): ValkeyClientShape["transaction"] =>
  (commands) => {
    if (commands.length === 0) return Exit.succeed([])
    const calls: Array<Call> = []
    for (const { name, args } of commands) {
      const row = rowOf(name, args)
      const wire = checkCommand(row, name, args, "shared", maxValueBytes)
      if (typeof wire === "string") return refused(name, wire)
      calls.push({ row, name, args: wire })
    }
    const slot = slotOf?.(calls)
    if (typeof slot === "object") return Exit.fail(slot)
    return Effect.callback((resume) => {
      let refusal: Error | undefined
      // They are answered with QUEUED, or with what keeps the transaction from running.
      const prelude = [{ row: rowOf("MULTI", []), name: "MULTI", args: [] }, ...calls].map(
        (call) => new QueuedCommand(call, (error) => (refusal ??= error))
      )
      let replies: Array<Reply> = []
      let failure: CacheError | undefined
      const exec = new CallbackCommand(
        rowOf("EXEC", []),
        "EXEC",
        [],
        (_, reply) => {
          const read = readReplies(exec.carrier?.node, commands, reply)
          if (Array.isArray(read)) replies = read
          else failure = read
          return null
        },
        () => resume(failure === undefined ? Exit.succeed(replies) : Exit.fail(failure)),
        (error) =>
          resume(
            Exit.fail(
              error._tag === "CacheServerError" && error.code === "EXECABORT"
                ? transactionAborted(exec.carrier?.node, error.reply, refusal)
                : error
            )
          )
      )
      exec.prelude = prelude
      exec.routing = {
        primary: true,
        slot,
        refusal: () => refusal,
        rewind: () => {
          refusal = undefined
        }
      }
      dispatcher.send(exec)
      return Effect.sync(() => dispatcher.abandon(exec))
    })
  }

/** What comes before EXEC. */
class QueuedCommand extends PendingCommand {
  readonly #onRefusal: (error: Error) => void

  constructor({ args, name, row }: Call, onRefusal: (error: Error) => void) {
    super(row, name, args, readText)
    this.#onRefusal = onRefusal
  }

  override resolve(): void {
    this.carrier?.leftWire()
  }

  override reject(error: Error): void {
    this.carrier?.leftWire()
    this.#onRefusal(error)
  }

  protected onReply(): void {}
  protected onError(): void {}
}

/** The replies of all commands, or the error of the first that failed while its neighbours ran. */
const readReplies = (
  node: string | undefined,
  commands: ReadonlyArray<Command>,
  reply: unknown
): Array<Reply> | CacheError => {
  if (!Array.isArray(reply) || reply.length !== commands.length) return protocolError("EXEC", node)
  const failed = reply.findIndex((item) => item instanceof Error)
  if (failed >= 0) return failedInTransaction(commands[failed]!.name, node, reply[failed])
  return reply.map((item, i) => reader(commands[i]!.reply)(commands[i]!.name, item))
}
