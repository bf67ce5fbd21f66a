/** Operations that go out together: each queues its commands and waits; when all have, the queue runs. */
import { Context, Deferred, Effect, Exit, Fiber, Result } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Command } from "../../../schema/Command.ts"
import { protocolError } from "../../../schema/failures.ts"
import type { PipelineResults } from "../../ValkeyClient.ts"
import { QueuedCommand } from "./QueuedCommand.ts"

interface Entry {
  readonly command: Command
  readonly settle: (result: PipelineResults[number]) => void
}

/** The place of one operation in the queue. */
interface Place {
  readonly queue: OperationQueue
  readonly entries: Array<Entry>
  /** It has queued something, or is over. */
  hasCome: boolean
}

/** Of the operation that runs. */
export const CurrentPlace = Context.Reference<Place | undefined>("effect-vcache/CurrentPlace", {
  defaultValue: () => undefined
})

export type QueueKind = "pipeline" | "transaction"

export class OperationQueue {
  readonly kind: QueueKind
  readonly places: ReadonlyArray<Place>
  readonly full = Deferred.makeUnsafe<void>()
  hasRun = false
  /** An operation failed before it queued anything. */
  isSpoilt = false
  #missing: number

  constructor(kind: QueueKind, size: number) {
    this.kind = kind
    this.#missing = size
    this.places = Array.from({ length: size }, () => ({ queue: this, entries: [], hasCome: false }))
  }

  come(place: Place): void {
    if (place.hasCome) return
    place.hasCome = true
    if (--this.#missing === 0) Deferred.doneUnsafe(this.full, Exit.void)
  }
}

/** Runs the operations, whose commands go out together, in their order. */
export const runQueued = <A, E, R>(
  kind: QueueKind,
  operations: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>,
  /** Runs the commands; a failure is everybody's. */
  send: (commands: ReadonlyArray<Command>) => Effect.Effect<PipelineResults, CommandError>,
  /** Runs the operations, each in its place, at the same time. */
  all: (placed: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    if (operations.every(isCommand)) return sendCommands(operations, send, all)
    const queue = new OperationQueue(kind, operations.length)
    const placed = operations.map((operation, i) => {
      const place = queue.places[i]!
      return Effect.onExit(Effect.provideService(operation, CurrentPlace, place), (exit) =>
        Effect.sync(() => {
          if (Exit.isFailure(exit) && !queue.hasRun) queue.isSpoilt = true
          queue.come(place)
        })
      )
    })
    const running = Effect.flatMap(Deferred.await(queue.full), () => {
      queue.hasRun = true
      const entries = queue.places.flatMap((place) => place.entries)
      // Nothing of a transaction is sent where a part of it cannot be.
      if (entries.length === 0 || (kind === "transaction" && queue.isSpoilt)) return Effect.void
      return Effect.map(Effect.result(send(entries.map(({ command }) => command))), (outcome) =>
        entries.forEach(({ settle }, i) =>
          settle(Result.isSuccess(outcome) ? (outcome.success[i] ?? notAnswered) : Result.fail(outcome.failure))
        )
      )
    })
    return Effect.flatMap(Effect.forkChild(running, { startImmediately: true }), (fiber) =>
      Effect.ensuring(all(placed), Fiber.interrupt(fiber))
    )
  })

const isCommand = (operation: object) => operation instanceof QueuedCommand

/** None of them takes a step before: no fibers are needed to wait for one another. */
const sendCommands = <A, E, R>(
  operations: ReadonlyArray<QueuedCommand<unknown, unknown, unknown>>,
  send: (commands: ReadonlyArray<Command>) => Effect.Effect<PipelineResults, CommandError>,
  all: (meanings: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  operations.length === 0
    ? all([])
    : Effect.flatMap(Effect.result(send(operations.map(({ command }) => command))), (outcome) =>
        all(
          operations.map((operation, i) =>
            operation.meaningOf(
              Result.isSuccess(outcome) ? (outcome.success[i] ?? notAnswered) : Result.fail(outcome.failure)
            )
          )
        )
      )

export const notAnswered: PipelineResults[number] = Result.fail(protocolError("pipeline"))
