/** Pipelines and transactions of the cache. */
import { Effect, Exit, Option, Result } from "effect"
import { valueNow } from "../../../schema/ValueCodec.ts"
import type { CachePipelines, Queued, QueueReturn } from "../../operations/CachePipelines.ts"
import type { CacheQueue } from "../../operations/CacheQueue.ts"
import { type QueueKind, runQueued } from "./OperationQueue.ts"
import type { CacheContext } from "../kernel/context.ts"

export const pipelineOperations = <A, RD, RE>(
  { client, guard }: CacheContext<A, RD, RE>,
  queueOf: (kind: QueueKind) => CacheQueue<A, RD, RE>
): CachePipelines<A, RD, RE> => ({
  pipeline: (queue, options) =>
    together(
      () => queue(queueOf("pipeline")),
      options?.mode,
      (operations, all) => runQueued("pipeline", operations, client.pipeline, all)
    ),
  transaction: (queue) =>
    together(
      () => queue(queueOf("transaction")),
      "default",
      (operations, all) =>
        runQueued(
          "transaction",
          operations,
          (commands) =>
            // All of it or nothing: there is no pretending.
            guard(
              { name: "transaction", key: undefined, neutral: Option.none() },
              Effect.map(client.transaction(commands), (replies) => replies.map((reply) => Result.succeed(reply)))
            ),
          all
        )
    )
})

const isList = (queued: Queued): queued is Operations => Array.isArray(queued)

type Operations = ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>

/** The results where all of them are there, which needs no fibers; undefined = something is still to be done, or has failed. */
const resultsNow = (operations: Operations, mode: "default" | "result" | undefined) => {
  const results: Array<unknown> = []
  for (const operation of operations) {
    const now = valueNow(operation)
    if (now === undefined) return undefined
    results.push(mode === "result" ? Result.succeed(now.value) : now.value)
  }
  return results
}

/** The results in the form that the operations have. */
const together = <T extends Queued, M extends "default" | "result">(
  queue: () => T,
  mode: M | undefined,
  run: (
    operations: Operations,
    all: (placed: Operations) => Effect.Effect<unknown, unknown, unknown>
  ) => Effect.Effect<unknown, unknown, unknown>
): QueueReturn<T, M> => {
  const results = Effect.suspend(() => {
    const queued = queue()
    const all = (placed: Operations): Effect.Effect<ReadonlyArray<unknown>, unknown, unknown> => {
      const results = resultsNow(placed, mode)
      return results === undefined ? Effect.all(placed, { concurrency: "unbounded", mode }) : Exit.succeed(results)
    }
    if (isList(queued)) return run(queued, all)
    const names = Object.keys(queued)
    return run(Object.values(queued), (placed) =>
      Effect.map(all(placed), (results) => Object.fromEntries(results.map((result, i) => [names[i], result])))
    )
  })
  // Of the operations' own types, one by one, which no expression can say.
  return results as QueueReturn<T, M>
}
