/** The client of a store in this process: commands are interpreted at once, by the Effect `Clock` of the caller. */
import { Clock, Deferred, Effect, Exit, Option, Queue, Result, Stream } from "effect"
import {
  type CommandError,
  CacheServerError,
  CacheTimeoutError,
  CacheUnsupportedError
} from "../../schema/CacheError.ts"
import type { Arg, Reply, ReplyEncoding } from "../../schema/Command.ts"
import { closedError, connectionReplaced, inexactInteger, maxReplyLength, refused } from "../../schema/failures.ts"
import { isValueReply } from "../../schema/frame.ts"
import { memoryEra } from "../../schema/era.ts"
import type { TrackedReply } from "../../schema/Invalidation.ts"
import type { Script } from "../../schema/Script.ts"
import type { SendOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { Closing } from "./Closing.ts"
import { CommandContext } from "./kernel/CommandContext.ts"
import { ExpirySweep } from "./ExpirySweep.ts"
import { type Call, lookupCommand, runCommand, runScript } from "./interpreter.ts"
import { type MemoryAnnouncer, memoryServer } from "./kernel/MemoryAnnouncer.ts"
import { MemoryPubSub } from "./kernel/MemoryPubSub.ts"
import { MemoryWaiters } from "./MemoryWaiters.ts"
import { MemoryStore } from "./store/MemoryStore.ts"
import { NotInMemory, ServerReply } from "./store/ServerReply.ts"
import { pinned } from "./streams/streams.ts"
import { checkChannels, subscribeWith } from "../commands/channels.ts"
import { blockingMillis } from "../commands/CommandRow.ts"
import { checkCommand, timeoutMillis } from "../commands/commandRules.ts"
import { rowOf } from "../commands/commandTable.ts"
import { Inbox } from "../commands/Inbox.ts"
import { scanPageWith, scansOf, scanWith } from "../commands/scan.ts"

/** Commands on the store. `sweep` removes what has expired, after each command and in between. */
export const memoryClient = (
  store: MemoryStore,
  sweep: ExpirySweep,
  announcer: MemoryAnnouncer,
  closing: Closing
): ValkeyClientShape => {
  const pubSub = new MemoryPubSub()
  const waiters = new MemoryWaiters()

  /** Runs at one instant; what the commands throw becomes a typed error. */
  const at = <A, E, R>(
    operation: string,
    run: (context: CommandContext) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | CommandError, R> =>
    Effect.withFiber((fiber): Effect.Effect<A, E | CommandError, R> => {
      if (closing.isClosed) return Exit.fail(closedError(operation))
      const context = new CommandContext(store, pubSub, announcer, fiber)
      try {
        const result = run(context)
        waiters.serve(context)
        sweep.afterCommand(context)
        return result
      } catch (error) {
        return toExit(operation, error)
      }
    })

  const perform = <A, E, R>(
    name: string,
    args: ReadonlyArray<Arg>,
    reply: ReplyEncoding | undefined,
    script: Script | undefined,
    use: (reply: Reply) => Effect.Effect<A, E, R>
  ) => {
    const row = rowOf(name, args)
    const wire = checkCommand(row, name, args, "shared", Infinity)
    if (typeof wire === "string") return refused(name, wire)
    const call: Call = { row, name, args: wire, reply, script }
    return at(name, (context) => use(exact(name, runCommand(context, call))))
  }

  const request: ValkeyClientShape["request"] = (name, args, use, options) => {
    const timeout = timeoutOf(options)
    if (typeof timeout === "string") return refused(name, timeout)
    const command = perform(name, args, options?.reply, undefined, use)
    const sendIf = options?.sendIf
    return sendIf === undefined
      ? command
      : Effect.suspend((): typeof command => (sendIf(store) ? command : Exit.fail(connectionReplaced(name))))
  }

  const send: ValkeyClientShape["send"] = (name, args, options) => request(name, args, Exit.succeed, options)

  /** Between two pages of a scan others have their turn. Its keys are texts: there is no need to ask for bytes. */
  const sendPage: ValkeyClientShape["send"] = (name, args, options) => {
    const page = send(name, args, { sendIf: options?.sendIf })
    return args[0] === "0" ? page : Effect.andThen(Effect.yieldNow, page)
  }

  /** On a connection of one's own a command may wait. */
  const sendDedicated: ValkeyClientShape["send"] = (name, args, options) => {
    const row = rowOf(name, args)
    const wire = checkCommand(row, name, args, "dedicated", Infinity)
    if (typeof wire === "string") return refused(name, wire)
    const millis = blockingMillis(row, wire)
    const timeout = timeoutOf(options)
    if (millis === undefined || typeof timeout === "string") return send(name, args, options)
    const call: Call = { row, name, args: wire, reply: options?.reply }
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        at(name, (context) => Exit.succeed(begin(context, call))),
        ({ result, waiter }) => {
          const stop = closing.onClose(() => Deferred.doneUnsafe(result, Exit.fail(closedError(name))))
          const answer = Deferred.await(result)
          const reply =
            millis === 0
              ? answer
              : Effect.map(
                  Effect.timeoutOption(answer, millis),
                  Option.getOrElse((): Reply => null)
                )
          const inTime = Effect.timeoutOrElse(reply, {
            duration: timeout,
            orElse: () => Effect.fail(tooLate(name, timeout))
          })
          return Effect.ensuring(
            restore(timeout === Infinity ? reply : inTime),
            Effect.sync(() => {
              stop()
              waiters.delete(waiter)
            })
          )
        }
      )
    )
  }

  /** The command runs now, or with whatever comes next. */
  const begin = (context: CommandContext, call: Call) => {
    const result = Deferred.makeUnsafe<Reply, CommandError>()
    const served = (reply: Reply) => Deferred.doneUnsafe(result, Exit.succeed(reply))
    const failed = (error: ServerReply) => Deferred.doneUnsafe(result, toExit(call.name, error))
    const waiter = { call: { ...call, args: pinned(context, call) }, served, failed }
    const reply = runCommand(context, waiter.call)
    if (reply === null) waiters.add(waiter)
    else served(reply)
    return { result, waiter }
  }

  const pipeline: ValkeyClientShape["pipeline"] = (commands) =>
    Effect.forEach(commands, (command) =>
      Effect.result(perform(command.name, command.args, command.reply, command.script, Exit.succeed))
    )

  const transaction: ValkeyClientShape["transaction"] = (commands) => {
    const calls: Array<Call> = []
    for (const command of commands) {
      const row = rowOf(command.name, command.args)
      const wire = checkCommand(row, command.name, command.args, "shared", Infinity)
      if (typeof wire === "string") return refused(command.name, wire)
      calls.push({ ...command, row, args: wire })
    }
    return at("EXEC", (context) => Exit.succeed(runTransaction(context, calls)))
  }

  const evaluate = (script: Script, keys: ReadonlyArray<string>, args: ReadonlyArray<Arg>) => {
    const wire = checkCommand(rowOf("EVAL", []), "EVAL", [...keys, ...args], "shared", Infinity)
    if (typeof wire === "string") return refused(script.name, wire)
    return at(script.name, (context) => Exit.succeed(exact(script.name, runScript(context, script, keys, args))))
  }

  const tracked: ValkeyClientShape["tracked"] = (
    keys,
    { era = false, keep = true, many = keys.length > 1, reply } = {}
  ) =>
    at("GET", (context) => {
      const one = (name: string, key: string) =>
        runCommand(context, { row: rowOf(name, [key]), name, args: [key], reply })
      const place = announcer.order.next()
      return Exit.succeed(
        keys.map((key): TrackedReply => {
          const got = one(many ? "MGET" : "GET", key)
          const value: Reply = Array.isArray(got) ? got[0] : got
          const pttl = one("PTTL", key)
          if (typeof pttl !== "number" || !isValueReply(value)) throw new Error("GET or PTTL without its reply")
          return {
            value,
            pttl,
            sentAt: context.now,
            server: keep ? memoryServer : undefined,
            place,
            era: era ? memoryEra : undefined
          }
        })
      )
    })

  const subscription: ValkeyClientShape["subscription"] = (channels, options) =>
    Effect.suspend((): ReturnType<ValkeyClientShape["subscription"]> => {
      const checked = checkChannels(channels, options)
      if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
      const { command, kind, names } = checked.value
      if (closing.isClosed) return Exit.fail(closedError(command))
      return Effect.map(
        Effect.acquireRelease(
          Effect.map(Inbox.make(command), (inbox) => {
            const end = (error: CommandError) => {
              inbox.fail(error)
              unsubscribe()
            }
            const unsubscribe = pubSub.subscribe(kind, names, (message) => {
              const overflow = inbox.give(message)
              if (overflow !== undefined) end(overflow)
            })
            const stop = closing.onClose(() => end(closedError(command)))
            return { inbox, release: () => [unsubscribe, stop].forEach((run) => run()) }
          }),
          ({ inbox, release }) =>
            Effect.sync(() => {
              release()
              inbox.end()
            })
        ),
        ({ inbox }) => inbox.messages
      )
    })

  /** Ready, until it is closed. */
  const states: ValkeyClientShape["states"] = Stream.callback((queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        if (!closing.isClosed) Queue.offerUnsafe(queue, { _tag: "Ready" })
        return closing.onClose(() => {
          Queue.offerUnsafe(queue, { _tag: "Closed" })
          Queue.endUnsafe(queue)
        })
      }),
      (stop) => Effect.sync(stop)
    )
  )

  return {
    topology: "memory",
    send,
    request,
    pipeline,
    transaction,
    eval: evaluate,
    ...scansOf(scanWith(sendPage)),
    scanPage: scanPageWith(send),
    subscription,
    subscribe: subscribeWith(subscription),
    dedicated: Effect.suspend(() =>
      closing.isClosed ? Exit.fail(closedError("dedicated")) : Effect.succeed({ send: sendDedicated, pipeline })
    ),
    raw: Effect.fail(unsupported("raw", "there is no connection")),
    use: () => Effect.fail(unsupported("use", "there is no connection")),
    invalidations: announcer.invalidations.invalidations,
    changes: announcer.invalidations.changes,
    tracked,
    instant: (caller) => caller.getRef(Clock.Clock).currentTimeMillisUnsafe(),
    state: Effect.sync(() => ({ _tag: closing.isClosed ? "Closed" : "Ready" })),
    states,
    sendToEach: () => Exit.succeed(new Map()),
    slowLog: () => Effect.fail(unsupported("slowLog", "the memory store does not record how long commands take")),
    info: () =>
      at("INFO", ({ now }) => {
        const facts = { used_memory: store.bytes, keys: store.size(now) }
        const fields = new Map(Object.entries(facts).map(([name, value]) => [name, String(value)]))
        return Exit.succeed(new Map([["memory", fields]]))
      })
  }
}

const unsupported = (operation: string, reason: string) =>
  new CacheUnsupportedError({ operation, topology: "memory", reason })

const serverError = (operation: string, { code, message }: ServerReply, mayHaveExecuted = false) =>
  new CacheServerError({
    operation,
    code,
    reply: message.slice(0, maxReplyLength),
    mayHaveExecuted
  })

const timeoutOf = (options: SendOptions | undefined): number | string =>
  options?.timeout === undefined ? Infinity : timeoutMillis(options.timeout)

const tooLate = (operation: string, timeout: number) =>
  new CacheTimeoutError({ operation, phase: "command", timeout, mayHaveExecuted: true })

const toExit = (operation: string, error: unknown): Exit.Exit<never, CommandError> => {
  if (error instanceof ServerReply) return Exit.fail(serverError(operation, error))
  if (error instanceof NotInMemory) return Exit.fail(unsupported(operation, error.message))
  if (error instanceof CacheServerError) return Exit.fail(error)
  return Exit.die(error)
}

/** An integer that JavaScript cannot hold exactly is refused, as it is from a server. */
const exact = (operation: string, reply: Reply): Reply => {
  if (typeof reply === "number" && !Number.isSafeInteger(reply)) throw inexactInteger(operation)
  return reply
}

const runTransaction = (context: CommandContext, calls: ReadonlyArray<Call>): ReadonlyArray<Reply> => {
  for (const call of calls) {
    try {
      lookupCommand(call)
    } catch (error) {
      if (error instanceof ServerReply) {
        throw new ServerReply(`EXECABORT Transaction discarded because of previous errors. (${error.code})`)
      }
      throw error
    }
  }
  const results = calls.map((call) => Result.try({ try: () => runCommand(context, call), catch: (error) => error }))
  results.forEach((result, i) => {
    if (Result.isSuccess(result)) return
    throw result.failure instanceof ServerReply ? serverError(calls[i]!.name, result.failure, true) : result.failure
  })
  return Result.getOrThrow(Result.all(results)).map((reply) => exact("EXEC", reply))
}
