/** Operations that go out together: each queues its commands and waits; when all have, the queue runs. */
import { Context, Deferred, Effect, Exit, Fiber, Result, Stream } from "effect"
import { type CacheError, CacheInputError, CacheUnsupportedError } from "../../../schema/CacheError.ts"
import type { Command, Reply } from "../../../schema/Command.ts"
import { amended, protocolError } from "../../../schema/failures.ts"
import type { PipelineResults, ValkeyClientShape } from "../../ValkeyClient.ts"

interface Entry {
  readonly command: Command
  readonly settle: (result: PipelineResults[number]) => void
}

/** The place of one operation in the queue. */
interface Slot {
  readonly batch: Batch
  readonly entries: Array<Entry>
  /** It has queued something, or is over. */
  hasCome: boolean
}

const CurrentSlot = Context.Reference<Slot | undefined>("effect-vcache/CurrentSlot", { defaultValue: () => undefined })

export type BatchKind = "pipeline" | "transaction"

class Batch {
  readonly kind: BatchKind
  readonly slots: ReadonlyArray<Slot>
  readonly full = Deferred.makeUnsafe<void>()
  hasRun = false
  /** An operation failed before it queued anything. */
  isSpoilt = false
  #missing: number

  constructor(kind: BatchKind, size: number) {
    this.kind = kind
    this.#missing = size
    this.slots = Array.from({ length: size }, () => ({ batch: this, entries: [], hasCome: false }))
  }

  come(slot: Slot): void {
    if (slot.hasCome) return
    slot.hasCome = true
    if (--this.#missing === 0) Deferred.doneUnsafe(this.full, Exit.void)
  }
}

/** Runs the operations, whose commands go out together, in their order. */
export const runBatch = <A, E, R>(
  kind: BatchKind,
  operations: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>,
  /** Runs the commands; a failure is everybody's. */
  send: (commands: ReadonlyArray<Command>) => Effect.Effect<PipelineResults, CacheError>,
  /** Runs the operations, each in its place, at the same time. */
  all: (placed: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const batch = new Batch(kind, operations.length)
    const placed = operations.map((operation, i) => {
      const slot = batch.slots[i]!
      return Effect.onExit(Effect.provideService(operation, CurrentSlot, slot), (exit) =>
        Effect.sync(() => {
          if (Exit.isFailure(exit) && !batch.hasRun) batch.isSpoilt = true
          batch.come(slot)
        })
      )
    })
    if (placed.length === 0) return all(placed)
    const running = Effect.flatMap(Deferred.await(batch.full), () => {
      batch.hasRun = true
      const entries = batch.slots.flatMap((slot) => slot.entries)
      // Nothing of a transaction is sent where a part of it cannot be.
      if (entries.length === 0 || (kind === "transaction" && batch.isSpoilt)) return Effect.void
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

const notAnswered: PipelineResults[number] = Result.fail(protocolError("pipeline"))

/** A client that queues: for operations that run in a batch, and for no others. */
export const queueing = (client: ValkeyClientShape): ValkeyClientShape => {
  const unsupported = (operation: string, reason: string) =>
    Effect.fail(new CacheUnsupportedError({ operation, topology: client.topology, reason }))

  const queue = (commands: ReadonlyArray<Command>): Effect.Effect<PipelineResults, CacheError> =>
    Effect.withFiber((fiber) => {
      const slot = fiber.getRef(CurrentSlot)
      const [first] = commands
      if (first === undefined) return Effect.succeed([])
      if (slot === undefined) {
        return Effect.fail(
          new CacheInputError({
            operation: first.name,
            reason: "what is queued runs only in its pipeline or transaction"
          })
        )
      }
      const { hasRun, kind } = slot.batch
      if (hasRun) return unsupported(first.name, `it needs a step after the ${kind}, which has run`)
      return Effect.callback((resume) => {
        const results: Array<PipelineResults[number]> = []
        let missing = commands.length
        commands.forEach((command, i) =>
          slot.entries.push({
            command,
            settle: (result) => {
              results[i] = result
              if (--missing === 0) resume(Effect.succeed(results))
            }
          })
        )
        slot.batch.come(slot)
      })
    })

  const queueOne = <A, E, R>(
    command: Command,
    use: (reply: Reply) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | CacheError, R> =>
    Effect.flatMap(queue([command]), ([result = notAnswered]) => Effect.flatMap(Effect.fromResult(result), use))

  return {
    ...client,
    send: (name, args, options) => queueOne({ name, args, reply: options?.reply }, Effect.succeed),
    request: (name, args, use, options) => queueOne({ name, args, reply: options?.reply }, use),
    pipeline: queue,
    // By its text, because nobody can load it in the middle.
    eval: (script, keys, args) =>
      Effect.mapError(
        queueOne({ name: "EVAL", args: [script.lua, keys.length, ...keys, ...args], script }, Effect.succeed),
        (error) => amended(error, { operation: script.name })
      ),
    transaction: () => unsupported("transaction", "it is no part of a pipeline"),
    scan: () => Stream.fromEffect(unsupported("scan", "it is no part of a pipeline")),
    dedicated: unsupported("dedicated", "who waits for something is no part of a pipeline")
  }
}
