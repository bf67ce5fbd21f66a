/** Commands as effects over a connection. */
import { Effect, Exit, Result } from "effect"
import { type CacheError, CacheInputError } from "../../schema/CacheError.ts"
import type { Command, Reply, WireArg } from "../../schema/Command.ts"
import { refused } from "../../schema/failures.ts"
import type { PipelineResults, SendOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { blockingMillis, checkCommand, timeoutMillis } from "../commands/commandRules.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import { CallbackCommand, PendingCommand, reader, type ReadReply, type Routing } from "./PendingCommand.ts"

export interface CommandOptions {
  readonly maxValueBytes: number
  /** Milliseconds. */
  readonly commandTimeout: number
  readonly kind: "shared" | "dedicated"
  /** The only server that may carry them. */
  readonly server?: string | undefined
}

/** A command with what a topology adds to it. */
export interface RoutedCommand extends Command, Pick<SendOptions, "timeout"> {
  /** The only server that may carry it. */
  readonly server?: string | undefined
}

/** The commands of a client. */
export interface Commands extends Pick<ValkeyClientShape, "send" | "request"> {
  readonly pipeline: (commands: ReadonlyArray<RoutedCommand>) => Effect.Effect<PipelineResults, CacheError>
}

export const makeCommands = (
  dispatcher: Dispatcher,
  { commandTimeout, kind, maxValueBytes, server }: CommandOptions
): Commands => {
  const routing = server === undefined ? undefined : { server }
  const routingOf = (options: Pick<RoutedCommand, "resendIf" | "server"> | undefined): Routing | undefined =>
    options?.resendIf === undefined && options?.server === undefined
      ? routing
      : { server: options.server ?? server, resendIf: options.resendIf }

  /** Blocking commands, which only a dedicated connection carries, get the time they ask for on top; text = why it is refused. */
  const timeoutOf = (
    name: string,
    args: ReadonlyArray<WireArg>,
    options?: Pick<SendOptions, "timeout">
  ): number | string => {
    if (options?.timeout !== undefined) return timeoutMillis(options.timeout)
    if (kind === "shared") return commandTimeout
    const blocking = blockingMillis(name.toUpperCase(), args)
    if (blocking === undefined) return commandTimeout
    return blocking === 0 ? Infinity : blocking + commandTimeout
  }

  const request: ValkeyClientShape["request"] = (name, args, use, options) => {
    const wire = checkCommand(name, args, kind, maxValueBytes)
    if (typeof wire === "string") return refused(name, wire)
    const timeout = timeoutOf(name, wire, options)
    if (typeof timeout === "string") return refused(name, timeout)
    return Effect.callback((resume) => {
      const command = new RequestCommand(name, wire, reader(options?.reply), use, resume)
      command.routing = routingOf(options)
      dispatcher.send(command, timeout)
      return Effect.sync(() => dispatcher.abandon(command))
    })
  }

  const send: ValkeyClientShape["send"] = (name, args, options) => request(name, args, Exit.succeed, options)

  const pipeline: Commands["pipeline"] = (commands) =>
    Effect.callback((resume) => {
      if (commands.length === 0) return resume(Exit.succeed([]))
      const results: Array<PipelineResults[number]> = Array.from(commands, () => notYet)
      const pending: Array<PendingCommand> = []
      let open = commands.length
      const settle = (i: number, result: PipelineResults[number]) => {
        results[i] = result
        if (--open === 0) resume(Exit.succeed(results))
      }
      commands.forEach((command, i) => {
        const refuse = (reason: string) =>
          settle(i, Result.fail(new CacheInputError({ operation: command.name, reason })))
        const wire = checkCommand(command.name, command.args, kind, maxValueBytes)
        if (typeof wire === "string") return refuse(wire)
        const one = pendingOf(command, wire, (result) => settle(i, result))
        one.routing = routingOf(command)
        const timeout = timeoutOf(command.name, wire, command)
        if (typeof timeout === "string") return refuse(timeout)
        one.timeout = timeout
        pending.push(one)
      })
      dispatcher.sendTogether(pending)
      return Effect.sync(() => pending.forEach((command) => dispatcher.abandon(command)))
    })

  return { send, request, pipeline }
}

/** A command of one effect. */
class RequestCommand<A, E, R> extends PendingCommand {
  #use: ((reply: Reply) => Effect.Effect<A, E, R>) | undefined
  #resume: ((effect: Effect.Effect<A, E | CacheError, R>) => void) | undefined

  constructor(
    name: string,
    args: ReadonlyArray<WireArg>,
    read: ReadReply,
    use: (reply: Reply) => Effect.Effect<A, E, R>,
    resume: (effect: Effect.Effect<A, E | CacheError, R>) => void
  ) {
    super(name, args, read)
    this.#use = use
    this.#resume = resume
  }

  protected onReply(reply: Reply): void {
    let next: Effect.Effect<A, E, R>
    try {
      next = this.#use!(reply)
    } catch (defect) {
      // Of the fiber, not of the parser that called.
      next = Exit.die(defect)
    }
    this.#resumeWith(next)
  }

  protected onError(error: CacheError): void {
    this.#resumeWith(Exit.fail(error))
  }

  // Lets go of the fiber: the garbage collector keeps some settled commands for long, and what they hold with them.
  #resumeWith(next: Effect.Effect<A, E | CacheError, R>): void {
    const resume = this.#resume!
    this.#use = undefined
    this.#resume = undefined
    resume(next)
  }
}

const pendingOf = (
  { name, reply }: Command,
  wire: ReadonlyArray<WireArg>,
  settle: (result: PipelineResults[number]) => void
): PendingCommand =>
  new CallbackCommand(
    name,
    wire,
    reader(reply),
    (reply) => settle(Result.succeed(reply)),
    (error) => settle(Result.fail(error))
  )

const notYet: PipelineResults[number] = Result.succeed(null)
