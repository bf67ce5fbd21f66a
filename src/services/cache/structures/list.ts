/** The operations of a list. */
import { Clock, type Duration, Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import { isTransient } from "../../../schema/isTransient.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheList, ListFindOptions } from "../../operations/structures/CacheList.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import { commandsFor, sendAll } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { pauseAfterLoss } from "../kernel/pauseAfterLoss.ts"
import { isStored, valueOf } from "../kernel/entry.ts"
import { type End, endWord, hasTakenNothing, listPart, popCommands, pushCommands } from "./listEnds.ts"
import { decodeMembers, encodeMembers } from "./members.ts"
import { sendWaiting, waitMillis } from "./waiting.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import * as replies from "../kernel/replies.ts"

export const makeList = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: KeyOptions = {}
): CacheList<A, RD, RE> => {
  const { client, codec, finalKey, readOptions } = context

  const run = context.structure("list", key, keyOptions)

  const entryOf = (operation: string, final: string): EntryName => ({ operation, key, final, part: listPart })

  const one = (operation: string, final: string, command: string, args: ReadonlyArray<Arg>) =>
    client.request(command, [final, ...args], valueOf(codec, entryOf(operation, final)), readOptions)

  const many = (operation: string, final: string, command: string, args: ReadonlyArray<Arg>) =>
    client.request(
      command,
      [final, ...args],
      (reply) => (reply === null ? Exit.succeed([]) : decodeMembers(context, entryOf(operation, final), reply)),
      readOptions
    )

  const push =
    (name: string, command: string) =>
    (...values: ReadonlyArray<A>) =>
      run(name, 0, (operation, final) =>
        Effect.flatMap(
          Effect.forEach(values, (value) => codec.encode(entryOf(operation, final), value)),
          (encoded) => {
            if (encoded.length === 0) return client.request("LLEN", [final], replies.integer(operation))
            const commands = commandsFor(
              command,
              [final],
              encoded.map((value) => [value])
            )
            // The last one knows the length.
            return Effect.flatMap(sendAll(client, commands), (lengths) =>
              replies.integer(operation)(lengths.at(-1) ?? null)
            )
          }
        )
      )

  const pop = (name: string, command: string) =>
    run(name, Option.none<A>(), (operation, final) => one(operation, final, command, []))

  const popMany = (name: string, command: string) => (count: number) =>
    run(name, [] as ReadonlyArray<A>, (operation, final) =>
      Effect.flatMap(wholeNumber(operation, "count", count, 0), () => many(operation, final, command, [count]))
    )

  /**
   * Waits without taking anything: the element wakes the waiter, and is then taken by a command that does not wait. So a reply
   * that nobody reads any more has taken nothing. A caller that is interrupted while it takes the element puts it back.
   */
  const awaitEnd = (name: string, end: End) => (timeout: Duration.Input) =>
    run(name, Option.none<A>(), (operation, final) => {
      const take = Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(client.send(popCommands[end], [final], readOptions), (reply): Effect.Effect<Reply> => {
          if (!isStored(reply)) return Effect.succeed(reply)
          const putBack = Effect.ignore(client.send(pushCommands[end], [final, reply]))
          return Effect.as(
            Effect.onInterrupt(restore(Effect.sync(() => {})), () => putBack),
            reply
          )
        })
      )
      return Effect.flatMap(waitMillis(operation, timeout), (millis) =>
        Effect.flatMap(Clock.currentTimeMillis, (started) => {
          const remaining = Effect.map(Clock.currentTimeMillis, (now) => millis - (now - started))
          const again: Effect.Effect<Option.Option<A>, ValueError, RD> = Effect.matchEffect(take, {
            onSuccess: (reply): Effect.Effect<Option.Option<A>, ValueError, RD> =>
              reply === null
                ? Effect.flatMap(remaining, (rest) =>
                    rest <= 0 ? Effect.succeedNone : Effect.andThen(pushed(final, rest), again)
                  )
                : valueOf(codec, entryOf(operation, final))(reply),
            onFailure: (error) =>
              Effect.flatMap(remaining, (rest) =>
                rest > 0 && hasTakenNothing(error)
                  ? Effect.andThen(Effect.sleep(Math.min(rest, pauseAfterLoss)), again)
                  : Effect.fail(error)
              )
          })
          return again
        })
      )
    })

  /** Waits until there is something, or the time is over. */
  const pushed = (final: string, millis: number): Effect.Effect<unknown, CommandError> => {
    const seconds = millis === Infinity ? 0 : millis / 1000
    const wait = sendWaiting(client, "BLMOVE", [final, final, "LEFT", "LEFT", seconds], { reply: "buffer" })
    // It takes nothing, so that it can be asked again.
    return Effect.catchIf(wait, isTransient, () => Effect.sleep(Math.min(millis, pauseAfterLoss)))
  }

  const sought = <B>(
    name: string,
    neutral: B,
    value: A,
    effect: (operation: string, final: string, id: Arg) => Effect.Effect<B, ValueError, RE>
  ) =>
    run(name, neutral, (operation, final) =>
      Effect.flatMap(encodeMembers(context, entryOf(operation, final), [value]), ([id = ""]) =>
        effect(operation, final, id)
      )
    )

  const findOptions = (operation: string, { maxLength, rank }: ListFindOptions) =>
    Effect.andThen(
      rank === 0 ? refused(operation, "rank must not be 0") : wholeNumber(operation, "rank", rank ?? 1),
      Effect.map(wholeNumber(operation, "maxLength", maxLength ?? 0, 0), (): ReadonlyArray<Arg> => [
        ...(rank === undefined ? [] : ["RANK", rank]),
        ...(maxLength === undefined ? [] : ["MAXLEN", maxLength])
      ])
    )

  const span = (operation: string, start: number, stop: number) =>
    Effect.andThen(wholeNumber(operation, "start", start), wholeNumber(operation, "stop", stop))

  return {
    pushLeft: push("pushLeft", "LPUSH"),
    pushRight: push("pushRight", "RPUSH"),
    popLeft: pop("popLeft", "LPOP"),
    popRight: pop("popRight", "RPOP"),
    popLeftMany: popMany("popLeftMany", "LPOP"),
    popRightMany: popMany("popRightMany", "RPOP"),
    awaitLeft: awaitEnd("awaitLeft", "left"),
    awaitRight: awaitEnd("awaitRight", "right"),
    range: (start = 0, stop = -1) =>
      run("range", [] as ReadonlyArray<A>, (operation, final) =>
        Effect.flatMap(span(operation, start, stop), () => many(operation, final, "LRANGE", [start, stop]))
      ),
    at: (index) =>
      run("at", Option.none<A>(), (operation, final) =>
        Effect.flatMap(wholeNumber(operation, "index", index), () => one(operation, final, "LINDEX", [index]))
      ),
    setAt: (index, value) =>
      run("setAt", undefined as void, (operation, final) =>
        Effect.flatMap(wholeNumber(operation, "index", index), () =>
          Effect.flatMap(codec.encode(entryOf(operation, final), value), (encoded) =>
            client.request("LSET", [final, index, encoded], replies.ok(operation))
          )
        )
      ),
    insert: (where, pivot, value) =>
      sought("insert", Option.none<number>(), pivot, (operation, final, id) => {
        if (where !== "before" && where !== "after") return refused(operation, "where must be before or after")
        return Effect.flatMap(codec.encode(entryOf(operation, final), value), (encoded) =>
          client.request("LINSERT", [final, where, id, encoded], (reply) => {
            if (typeof reply !== "number") return replies.unexpected(operation)
            return Exit.succeed(reply > 0 ? Option.some(reply) : Option.none())
          })
        )
      }),
    remove: (value, count = 0) =>
      sought("remove", 0, value, (operation, final, id) =>
        Effect.flatMap(wholeNumber(operation, "count", count), () =>
          client.request("LREM", [final, count, id], replies.integer(operation))
        )
      ),
    trim: (start, stop) =>
      run("trim", undefined as void, (operation, final) =>
        Effect.flatMap(span(operation, start, stop), () =>
          client.request("LTRIM", [final, start, stop], replies.ok(operation))
        )
      ),
    indexOf: (value, options = {}) =>
      sought("indexOf", Option.none<number>(), value, (operation, final, id) =>
        Effect.flatMap(findOptions(operation, options), (rest) =>
          client.request("LPOS", [final, id, ...rest], replies.optional(replies.integer(operation)))
        )
      ),
    indexesOf: (value, { count = 0, ...options } = {}) =>
      sought("indexesOf", [] as ReadonlyArray<number>, value, (operation, final, id) =>
        Effect.flatMap(findOptions(operation, options), (rest) =>
          Effect.flatMap(wholeNumber(operation, "count", count, 0), () =>
            client.request("LPOS", [final, id, "COUNT", count, ...rest], replies.integers(operation))
          )
        )
      ),
    moveTo: (destination, { from = "left", timeout, to = "right", version = keyOptions.version } = {}) =>
      run("moveTo", Option.none<A>(), (operation, final) =>
        Effect.flatMap(finalKey(operation, destination, { version }), (target) =>
          Effect.flatMap(endWord(operation, from), (source) =>
            Effect.flatMap(endWord(operation, to), (goal) => {
              // The element keeps the bytes that it was stored with, which encryption binds to the list.
              if (codec.rebind !== undefined && target !== final) {
                return refused(
                  operation,
                  "an encrypted element is bound to its list, and cannot be moved to another one"
                )
              }
              if (timeout === undefined) return one(operation, final, "LMOVE", [target, source, goal])
              return Effect.flatMap(waitMillis(operation, timeout), (millis) => {
                if (millis === 0) return one(operation, final, "LMOVE", [target, source, goal])
                const seconds = millis === Infinity ? 0 : millis / 1000
                const moved = sendWaiting(client, "BLMOVE", [final, target, source, goal, seconds], readOptions)
                return Effect.flatMap(moved, valueOf(codec, entryOf(operation, final)))
              })
            })
          )
        )
      ),
    size: run("size", 0, (operation, final) => client.request("LLEN", [final], replies.integer(operation)))
  }
}
