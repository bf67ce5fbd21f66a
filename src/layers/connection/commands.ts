/** Commands as effects over a connection. */
import { Effect, Exit, Result } from "effect"
import { type CommandError, CacheInputError } from "../../schema/CacheError.ts"
import type { Arg, Command, Reply, WireArg } from "../../schema/Command.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { PipelineResults, SendOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { blockingMillis, type CommandRow } from "../commands/CommandRow.ts"
import { checkCommand, timeoutMillis } from "../commands/commandRules.ts"
import { rowOf } from "../commands/commandTable.ts"
import type { Concern } from "../invalidations/Concern.ts"
import type { ClientInvalidations } from "../invalidations/ClientInvalidations.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import { type CommandTerms, PendingCommand, type Routing } from "./PendingCommand.ts"

export interface CommandOptions {
  readonly maxValueBytes: number
  /** Milliseconds. */
  readonly commandTimeout: number
  readonly kind: "shared" | "dedicated"
  /** The only server that may carry them. */
  readonly server?: string | undefined
  /** Where a command may concern several servers. */
  readonly spread?: Spreading | undefined
  /** Told of the keys that commands concern. */
  readonly changes: ClientInvalidations
  /** Told of each command that is sent. */
  readonly onSend?: ((row: CommandRow) => void) | undefined
}

/** What commands become that concern several servers. */
export interface Spreading {
  readonly concerns: (row: CommandRow, args: ReadonlyArray<Arg>) => boolean
  /** The commands in parts, sent by the function, and the answers put together again. */
  readonly pipeline: (
    commands: ReadonlyArray<RoutedCommand>,
    rows: ReadonlyArray<CommandRow>,
    send: SendAll
  ) => ReturnType<SendAll>
}

/** `rows` are those of the commands. */
export type SendAll = (
  commands: ReadonlyArray<RoutedCommand>,
  rows: ReadonlyArray<CommandRow>
) => Effect.Effect<PipelineResults, CommandError>

/** A command with what a topology adds to it. */
export interface RoutedCommand extends Command, Pick<SendOptions, "timeout" | "sendIf"> {
  /** The only server that may carry it. */
  readonly server?: string | undefined
}

/** A command that concerns several servers, and what they answer together. */
export const inParts = (
  spread: Spreading,
  command: RoutedCommand,
  row: CommandRow,
  send: SendAll
): Effect.Effect<Reply, CommandError> =>
  Effect.flatMap(spread.pipeline([command], [row], send), ([answer]) =>
    answer === undefined ? Exit.fail(protocolError(command.name)) : Effect.fromResult(answer)
  )

/** The commands of a client. */
export type Commands = Pick<ValkeyClientShape, "send" | "request" | "pipeline">

export const makeCommands = (
  dispatcher: Dispatcher,
  { changes, commandTimeout, kind, maxValueBytes, onSend, server, spread }: CommandOptions
): Commands => {
  const routing = server === undefined ? undefined : { server }
  const routingOf = (options: Omit<RoutedCommand, "name" | "args"> | undefined): Routing | undefined =>
    options?.resendIf === undefined && options?.sendIf === undefined && options?.server === undefined
      ? routing
      : { server: options.server ?? server, sendIf: options.sendIf, resendIf: options.resendIf }

  /** Of most commands: made once. */
  const usualTerms = { asText: true, timeout: commandTimeout, routing }
  const termsOf = (timeout: number, options: Omit<RoutedCommand, "name" | "args"> | undefined): CommandTerms =>
    options === undefined && timeout === commandTimeout
      ? usualTerms
      : { asText: options?.reply !== "buffer", timeout, routing: routingOf(options) }

  /** Blocking commands, which only a dedicated connection carries, get the time they ask for on top; text = why it is refused. */
  const timeoutOf = (
    row: CommandRow,
    args: ReadonlyArray<WireArg>,
    options?: Pick<SendOptions, "timeout">
  ): number | string => {
    if (options?.timeout !== undefined) return timeoutMillis(options.timeout)
    if (kind === "shared") return commandTimeout
    const blocking = blockingMillis(row, args)
    if (blocking === 0) return Infinity
    // What is no time to wait the server refuses.
    return blocking !== undefined && blocking > 0 ? blocking + commandTimeout : commandTimeout
  }

  const request: ValkeyClientShape["request"] = (name, args, use, options) => {
    const row = rowOf(name, args)
    if (spread?.concerns(row, args) === true) {
      return Effect.flatMap(inParts(spread, { name, args, ...options }, row, sendAll), use)
    }
    const wire = checkCommand(row, name, args, kind, maxValueBytes)
    if (typeof wire === "string") return refused(name, wire)
    const timeout = timeoutOf(row, wire, options)
    if (typeof timeout === "string") return refused(name, timeout)
    return Effect.callback((resume) => {
      onSend?.(row)
      const terms = termsOf(timeout, options)
      const concern = changes.concernOf(row, wire)
      if (concern === undefined) {
        const command = new RequestCommand(row, name, wire, terms, use, resume)
        dispatcher.send(command)
        return Effect.sync(() => dispatcher.abandon(command))
      }
      concern.sent()
      const command = new RequestCommand(row, name, wire, terms, use, (effect) => {
        concern.settled()
        resume(effect)
      })
      dispatcher.send(command)
      return Effect.sync(() => {
        dispatcher.abandon(command)
        concern.settled()
      })
    })
  }

  const send: ValkeyClientShape["send"] = (name, args, options) => request(name, args, Exit.succeed, options)

  const pipeline: Commands["pipeline"] = (commands) => {
    const rows = commands.map(({ args, name }) => rowOf(name, args))
    return spread !== undefined && commands.some(({ args }, i) => spread.concerns(rows[i]!, args))
      ? spread.pipeline(commands, rows, sendAll)
      : sendAll(commands, rows)
  }

  const sendAll: SendAll = (commands, rows) =>
    Effect.callback((resume) => {
      if (commands.length === 0) return resume(Exit.succeed([]))
      const concerns: Array<Concern> = []
      const batch = new Batch(commands, (results) => {
        for (const concern of concerns) concern.settled()
        resume(Exit.succeed(results))
      })
      const pending: Array<PendingCommand> = []
      for (let i = 0; i < commands.length; i++) {
        const [command, row] = [commands[i]!, rows[i]!]
        const wire = checkCommand(row, command.name, command.args, kind, maxValueBytes)
        const timeout = typeof wire === "string" ? wire : timeoutOf(row, wire, command)
        if (typeof wire === "string" || typeof timeout === "string") {
          const reason = String(timeout)
          batch.settle(i, Result.fail(new CacheInputError({ operation: command.name, reason })))
          continue
        }
        onSend?.(row)
        const concern = changes.concernOf(row, wire)
        if (concern !== undefined) {
          concern.sent()
          concerns.push(concern)
        }
        pending.push(new BatchCommand(row, command.name, wire, termsOf(timeout, command), batch, i))
      }
      dispatcher.sendTogether(pending)
      return Effect.sync(() => {
        for (const command of pending) dispatcher.abandon(command)
        for (const concern of concerns) concern.settled()
      })
    })

  return { send, request, pipeline }
}

/** A command of one effect. */
class RequestCommand<A, E, R> extends PendingCommand {
  #use: ((reply: Reply) => Effect.Effect<A, E, R>) | undefined
  #resume: ((effect: Effect.Effect<A, E | CommandError, R>) => void) | undefined

  constructor(
    row: CommandRow,
    name: string,
    args: ReadonlyArray<WireArg>,
    terms: CommandTerms,
    use: (reply: Reply) => Effect.Effect<A, E, R>,
    resume: (effect: Effect.Effect<A, E | CommandError, R>) => void
  ) {
    super(row, name, args, terms)
    this.#use = use
    this.#resume = resume
  }

  protected onReply(reply: Reply): void {
    let next: Effect.Effect<A, E, R>
    try {
      next = this.#use!(reply)
    } catch (defect) {
      // Of the fiber, not of the wire that called.
      next = Exit.die(defect)
    }
    this.#resumeWith(next)
  }

  protected onError(error: CommandError): void {
    this.#resumeWith(Exit.fail(error))
  }

  // Lets go of the fiber: the garbage collector keeps some settled commands for long, and what they hold with them.
  #resumeWith(next: Effect.Effect<A, E | CommandError, R>): void {
    const resume = this.#resume!
    this.#use = undefined
    this.#resume = undefined
    resume(next)
  }
}

/** The results of commands that were sent together. */
class Batch {
  readonly #results: Array<PipelineResults[number]>
  readonly #done: (results: PipelineResults) => void
  #open: number

  constructor(commands: ReadonlyArray<Command>, done: (results: PipelineResults) => void) {
    this.#results = commands.map(() => notYet)
    this.#done = done
    this.#open = commands.length
  }

  settle(at: number, result: PipelineResults[number]): void {
    this.#results[at] = result
    if (--this.#open === 0) this.#done(this.#results)
  }
}

/** One of them. */
class BatchCommand extends PendingCommand {
  readonly #batch: Batch
  readonly #at: number

  constructor(
    row: CommandRow,
    name: string,
    args: ReadonlyArray<WireArg>,
    terms: CommandTerms,
    batch: Batch,
    at: number
  ) {
    super(row, name, args, terms)
    this.#batch = batch
    this.#at = at
  }

  protected onReply(reply: Reply): void {
    this.#batch.settle(this.#at, Result.succeed(reply))
  }

  protected onError(error: CommandError): void {
    this.#batch.settle(this.#at, Result.fail(error))
  }
}

const notYet: PipelineResults[number] = Result.succeed(null)
