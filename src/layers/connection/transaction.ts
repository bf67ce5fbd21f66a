/** MULTI/EXEC in one write, so that nobody's command comes between. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command, Reply, WireArg } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import { checkCommand } from "../commands/commandRules.ts"
import { rowOf } from "../commands/commandTable.ts"
import type { CommandOptions } from "./commands.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import { failedInTransaction, transactionAborted } from "./errors.ts"
import { CallbackCommand, type CommandTerms, readReply } from "./PendingCommand.ts"
import { type RawReply, ReplyError, withText } from "./RawReply.ts"
import { WireCommand } from "./WireCommand.ts"

export interface TransactionOptions extends Pick<CommandOptions, "changes" | "maxValueBytes" | "commandTimeout"> {
  /** The slot of all its keys, or why it cannot run. */
  readonly slotOf?: ((commands: ReadonlyArray<Call>) => number | CommandError | undefined) | undefined
}

interface Call {
  readonly row: CommandRow
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
}

export const makeTransaction =
  (
    dispatcher: Dispatcher,
    { changes, commandTimeout, maxValueBytes, slotOf }: TransactionOptions
  ): ValkeyClientShape["transaction"] =>
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
      const prelude = [{ name: "MULTI", args: [] }, ...calls].map(
        (call) => new QueuedCommand(call, commandTimeout, (error) => (refusal ??= error))
      )
      const routing = {
        primary: true,
        slot,
        refusal: () => refusal,
        rewind: () => {
          refusal = undefined
        }
      }
      const concerns = calls.flatMap(({ args, row }) => changes.concernOf(row, args) ?? [])
      const settled = () => {
        for (const concern of concerns) concern.settled()
      }
      const exec = new ExecCommand(
        { asText: false, timeout: commandTimeout, routing, prelude },
        commands,
        (replies) => {
          settled()
          resume(Exit.succeed(Array.isArray(replies) ? replies : []))
        },
        (error) => {
          settled()
          resume(
            Exit.fail(
              error._tag === "CacheServerError" && error.code === "EXECABORT"
                ? transactionAborted(exec.node, error.reply, refusal)
                : error
            )
          )
        }
      )
      for (const concern of concerns) concern.sent()
      dispatcher.send(exec)
      return Effect.sync(() => {
        dispatcher.abandon(exec)
        settled()
      })
    })
  }

/** What comes before EXEC. */
class QueuedCommand extends WireCommand {
  readonly expiresAt: number
  readonly #onRefusal: (error: Error) => void

  constructor({ args, name }: Pick<Call, "name" | "args">, timeout: number, onRefusal: (error: Error) => void) {
    super(name, args, true)
    this.expiresAt = performance.now() + timeout
    this.#onRefusal = onRefusal
  }

  override fits(reply: RawReply): boolean {
    return reply instanceof ReplyError || reply === (this.name === "MULTI" ? "OK" : "QUEUED")
  }

  answer(reply: RawReply): void {
    if (reply instanceof Error) this.#onRefusal(reply)
  }

  lose(error: Error): void {
    this.#onRefusal(error)
  }
}

class ExecCommand extends CallbackCommand {
  readonly #commands: ReadonlyArray<Command>

  constructor(
    terms: CommandTerms,
    commands: ReadonlyArray<Command>,
    onReply: (reply: Reply) => void,
    onError: (error: CommandError) => void
  ) {
    super(rowOf("EXEC", []), "EXEC", [], terms, onReply, onError)
    this.#commands = commands
  }

  /** The replies of all commands, or the error of the first that failed while its neighbours ran. */
  protected override read(raw: RawReply): Reply | CommandError {
    const { node } = this
    const commands = this.#commands
    if (!Array.isArray(raw) || raw.length !== commands.length) return protocolError(this.name, node)
    const items: ReadonlyArray<RawReply> = raw
    const failed = items.findIndex((item) => item instanceof ReplyError)
    const failure = items[failed]
    if (failure instanceof ReplyError) return failedInTransaction(commands[failed]!.name, node, failure)
    const replies: Array<Reply> = []
    for (const [i, { name, reply }] of commands.entries()) {
      const read = readReply(name, reply === "buffer" ? items[i]! : withText(items[i]!), node)
      if (read instanceof Error) return read
      replies.push(read)
    }
    return replies
  }
}
