/** What operations in a queue send their commands to. */
import { Effect, Exit, Stream } from "effect"
import { type CommandError, CacheInputError, CacheUnsupportedError } from "../../../schema/CacheError.ts"
import type { Command, Reply } from "../../../schema/Command.ts"
import { amended } from "../../../schema/failures.ts"
import { scriptCall } from "../../../schema/Script.ts"
import type { PipelineResults, ValkeyClientShape } from "../../ValkeyClient.ts"
import { CurrentPlace, notAnswered } from "./OperationQueue.ts"
import { QueuedCommand } from "./QueuedCommand.ts"

/** What is queued takes its first steps there, so that what is no more than one command can be told from the rest. */
export const atOnce = <A, E, R>(operation: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  try {
    return operation()
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** A client that queues: for operations that run in one, and for no others. */
export const queueingClient = (client: ValkeyClientShape): ValkeyClientShape => {
  const unsupported = (operation: string, reason: string) =>
    Effect.fail(new CacheUnsupportedError({ operation, topology: client.topology, reason }))

  const enqueue = (commands: ReadonlyArray<Command>): Effect.Effect<PipelineResults, CommandError> =>
    Effect.withFiber((fiber) => {
      const place = fiber.getRef(CurrentPlace)
      const [first] = commands
      if (first === undefined) return Effect.succeed([])
      if (place === undefined) {
        return Effect.fail(
          new CacheInputError({
            operation: first.name,
            reason: "a queued operation runs only in its pipeline or transaction"
          })
        )
      }
      const { hasRun, kind } = place.queue
      if (hasRun) return unsupported(first.name, `it needs another step, but the ${kind} has already run`)
      return Effect.callback((resume) => {
        const results: Array<PipelineResults[number]> = []
        let missing = commands.length
        commands.forEach((command, i) =>
          place.entries.push({
            command,
            settle: (result) => {
              results[i] = result
              if (--missing === 0) resume(Effect.succeed(results))
            }
          })
        )
        place.queue.come(place)
      })
    })

  const enqueueOne = (command: Command) => Effect.map(enqueue([command]), ([outcome = notAnswered]) => outcome)
  const queueOne = <A, E, R>(command: Command, use: (reply: Reply) => Effect.Effect<A, E, R>) =>
    new QueuedCommand(command, use, enqueueOne)

  return {
    ...client,
    send: (name, args, options) => queueOne({ name, args, reply: options?.reply }, Effect.succeed),
    request: (name, args, use, options) => queueOne({ name, args, reply: options?.reply }, use),
    pipeline: enqueue,
    eval: (script, keys, args) =>
      Effect.mapError(queueOne(scriptCall(script, keys, args), Effect.succeed), (error) =>
        amended(error, { operation: script.name })
      ),
    transaction: () => unsupported("transaction", "it cannot be part of a pipeline"),
    scan: () => Stream.fromEffect(unsupported("scan", "it cannot be part of a pipeline")),
    scanBinary: () => Stream.fromEffect(unsupported("scan", "it cannot be part of a pipeline")),
    scanPage: () => unsupported("scan", "it cannot be part of a pipeline"),
    dedicated: unsupported("dedicated", "a dedicated connection cannot be part of a pipeline")
  }
}
