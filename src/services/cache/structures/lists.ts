/** The operations of several lists at once. */
import { Clock, Effect, Exit, Fiber, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import type { CacheLists, PoppedElements } from "../../operations/structures/CacheLists.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheContext } from "../kernel/context.ts"
import { isStored } from "../kernel/entry.ts"
import { pauseAfterLoss } from "../kernel/pauseAfterLoss.ts"
import * as replies from "../kernel/replies.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import { decodeMembers } from "./members.ts"
import { endWord, hasTakenNothing, listPart, pushCommands } from "./listEnds.ts"
import { overKeys, type Source, sourceNamed } from "./severalKeys.ts"
import { sendWaiting, waitMillis } from "./waiting.ts"

/** How long the server waits before it is asked again. A caller that is interrupted leaves it waiting no longer than this. */
const stepMillis = 1000

export const makeLists = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  keys: ReadonlyArray<string>,
  keyOptions: KeyOptions = {}
): CacheLists<A, RD> => {
  const { client, readOptions } = context
  const operation = "lists.pop"

  /** `[key, elements]`, or null. */
  const popped = (
    sources: ReadonlyArray<Source>,
    reply: Reply
  ): Effect.Effect<Option.Option<PoppedElements<A>>, ValueError, RD> => {
    if (reply === null) return Effect.succeedNone
    const [name, elements]: ReadonlyArray<Reply> = Array.isArray(reply) ? reply : []
    const source = name !== undefined && isStored(name) ? sourceNamed(sources, name) : undefined
    if (source === undefined) return replies.unexpected(operation)
    return Effect.map(decodeMembers(context, { operation, ...source, part: listPart }, elements), (values) =>
      Option.some({ key: source.key, values })
    )
  }

  /** Pushes back what was taken for a caller that has gone. */
  const putBack = (end: "left" | "right", reply: Reply): Effect.Effect<unknown> => {
    const [name, elements]: ReadonlyArray<Reply> = Array.isArray(reply) ? reply : []
    if (name === undefined || !isStored(name) || !Array.isArray(elements)) return Effect.void
    return Effect.ignore(client.send(pushCommands[end], [String(name), ...elements.filter(isStored).toReversed()]))
  }

  /**
   * One step of waiting, in a fiber of its own, which a caller that is interrupted leaves behind: its reply is read all the same.
   * The fiber ends with the step, or with the client.
   */
  const waited = (
    end: "left" | "right",
    millis: number,
    args: ReadonlyArray<Arg>
  ): Effect.Effect<Reply, CommandError> =>
    Effect.uninterruptibleMask((restore) => {
      const step = sendWaiting(client, "BLMPOP", [millis / 1000, ...args], readOptions)
      return Effect.flatMap(Effect.forkDetach(step, { startImmediately: true }), (fiber) =>
        Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
          Effect.forkDetach(
            Effect.flatMap(Fiber.await(fiber), (exit) =>
              Exit.isSuccess(exit) ? putBack(end, exit.value) : Effect.void
            )
          )
        )
      )
    })

  return {
    pop: ({ count = 1, from = "left", timeout = 0 } = {}) =>
      overKeys(context, operation, keys, keyOptions, Option.none<PoppedElements<A>>(), (sources) =>
        Effect.gen(function* () {
          const end = yield* endWord(operation, from)
          const millis = yield* waitMillis(operation, timeout)
          yield* wholeNumber(operation, "count", count, 1)
          const args = [sources.length, ...sources.map(({ final }) => final), end, "COUNT", count]
          const pop = client.request("LMPOP", args, (reply) => popped(sources, reply), readOptions)
          if (millis === 0) return yield* pop
          const deadline = (yield* Clock.currentTimeMillis) + millis
          for (;;) {
            const rest = deadline - (yield* Clock.currentTimeMillis)
            if (rest <= 0) return yield* pop
            const outcome = yield* Effect.result(waited(from, Math.min(rest, stepMillis), args))
            if (outcome._tag === "Success") {
              if (outcome.success !== null) return yield* popped(sources, outcome.success)
            } else if (hasTakenNothing(outcome.failure)) yield* Effect.sleep(Math.min(rest, pauseAfterLoss))
            else return yield* Effect.fail(outcome.failure)
          }
        })
      )
  }
}
