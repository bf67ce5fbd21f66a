/** The operations of one session's entry. */
import { Duration, Effect, Exit, Option } from "effect"
import type { CacheError, CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { attempted, refused, tryAgain } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import { scriptCall, type Script } from "../../../schema/Script.ts"
import { SessionStatus } from "../../../schema/SessionStatus.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheSession, SessionLifetime, SessionOptions } from "../../operations/CacheSession.ts"
import { sendOne } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { hitOrMiss } from "../kernel/declare.ts"
import { isStored, liveValue } from "../kernel/entry.ts"
import { finiteMillis } from "../kernel/finiteMillis.ts"
import { lifetimeText } from "../kernel/overSeen.ts"
import { namesOf, stampIn } from "../kernel/tagging.ts"
import * as replies from "../kernel/replies.ts"
import { nearStanding, readStanding } from "./nearSession.ts"
import {
  absence,
  createScript,
  destroyScript,
  endScript,
  findScript,
  replaceScript,
  saveScript,
  tombstone,
  touchScript
} from "./sessionScripts.ts"
import { type Absence, type Found, type Standing, standingOf } from "./standing.ts"

/** How often a session is replaced or moved that others change meanwhile; then it is left as it is. */
const maxAttempts = 10

/** What there is under the key, and for how many milliseconds it still lives; `Infinity` = for ever. */
interface Seen {
  readonly stored: Stored
  readonly left: number
}

export const makeSession = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions: SessionOptions<A> = {}
): CacheSession<A, RD, RE> => {
  const { client, codec, defaults, finalKey, guard, guardNear, inFlight, near, nearTags, readOptions, tags } = context
  const { tags: tagged, tagsFor } = keyOptions

  /** An operation without a neutral result. */
  const run = <B, E extends CacheError, R>(
    name: string,
    effect: (entry: EntryName) => Effect.Effect<B, E, R>
  ): Effect.Effect<B, E | CommandError, R> => guard({ name, key, neutral: Option.none() }, on(name, effect))

  const on = <B, E, R>(operation: string, effect: (entry: EntryName) => Effect.Effect<B, E, R>) =>
    Effect.suspend(() =>
      Effect.flatMapEager(finalKey(operation, key, keyOptions), (final) => {
        inFlight.outdate(final)
        return effect({ operation, key, final })
      })
    )

  /** Runs a script on the session's key. Its reply is in the encoding of values. */
  const evaluate = (
    { final, operation }: EntryName,
    script: Script,
    args: ReadonlyArray<Arg>
  ): Effect.Effect<Reply, CommandError> =>
    sendOne(client, operation, scriptCall(script, [final], args, readOptions?.reply))

  /** What is stored there, undecoded; it has that lifetime from now on. */
  const found = (entry: EntryName, lifetime: string) =>
    Effect.flatMap(evaluate(entry, findScript, [lifetime]), (reply): Exit.Exit<Seen | Absence, CommandError> => {
      if (reply === absence.missing) return Exit.succeed("Missing")
      if (reply === absence.ended) return Exit.succeed("Ended")
      const [stored, left] = Array.isArray(reply) ? reply : []
      if (stored === undefined || !isStored(stored) || typeof left !== "number") {
        return replies.unexpected(entry.operation)
      }
      return Exit.succeed({ stored, left: left === -1 ? Infinity : Math.max(0, left) })
    })

  const lookedAt = (entry: EntryName, lifetime: string): Effect.Effect<Standing<A> | Absence, ValueError, RD> =>
    Effect.flatMap(found(entry, lifetime), (seen): Effect.Effect<Standing<A> | Absence, ValueError, RD> =>
      typeof seen === "string" ? Effect.succeed(seen) : standingOf(codec, entry, seen.stored, seen.left, tags.judge)
    )

  const namesOfData = ({ operation }: EntryName, data: A) => {
    if (tagged === undefined) return Exit.succeed(undefined)
    const given = attempted(operation, "the function tags", () => tagged(data))
    return Exit.isSuccess(given) ? namesOf(operation, given.value, undefined) : given
  }

  /** The tags of a session with that data, which lives for `millis` or shorter. */
  const stampOfData = (entry: EntryName, data: A, millis: number) =>
    Effect.flatMapEager(namesOfData(entry, data), (names) =>
      names === undefined
        ? Exit.succeed(undefined)
        : Effect.flatMap(tags.ensure(names, millis), (records) => stampIn(entry.operation, names, records))
    )

  /**
   * The tags of a session that takes the place of one that was found; `"ended"` where the tags of that one have been invalidated.
   * It is judged after the new tags have been read: a request that found the session before it was ended must not bring it back.
   */
  const stampOver = (entry: EntryName, stored: Stored, data: A) =>
    Effect.flatMap(stampOfData(entry, data, longest), (stamp) =>
      Effect.flatMapEager(codec.header(entry, stored), (header) =>
        header?.tags === undefined
          ? Exit.succeed(stamp)
          : Effect.map(tags.judge(header.tags), (verdict) => (verdict === "live" ? stamp : ("ended" as const)))
      )
    )

  const longest = (tagsFor === undefined ? undefined : toMillis(tagsFor)) ?? defaults.timeToLive

  /** Whether there is a session whose tags have been invalidated. */
  const isOver = (entry: EntryName): Effect.Effect<boolean, CommandError> => {
    if (tagged === undefined) return Exit.succeed(false)
    return Effect.flatMap(found(entry, lifetimeText("keep")), (seen) => {
      if (typeof seen === "string") return Exit.succeed(false)
      const header = codec.header(entry, seen.stored)
      const stamp = Exit.isSuccess(header) ? header.value?.tags : undefined
      return stamp === undefined ? Exit.succeed(false) : Effect.map(tags.judge(stamp), (verdict) => verdict !== "live")
    })
  }

  /**
   * Replaces what stands in the entry, and tries again where others have changed it meanwhile. `next` returns undefined where what
   * stands there is not a session.
   */
  const replaced = <E, R>(
    entry: EntryName,
    next: (stored: Stored) => Effect.Effect<A | undefined, E, R>,
    timeToLive: SessionLifetime
  ) =>
    Effect.gen(function* () {
      const millis = yield* lifetime(entry.operation, timeToLive)
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const seen = yield* found(entry, lifetimeText("keep"))
        if (typeof seen === "string") return false
        const { stored } = seen
        const data = yield* next(stored)
        const stamp = data === undefined ? "ended" : yield* stampOver(entry, stored, data)
        if (data === undefined || stamp === "ended") return false
        const encoded = yield* codec.encode(entry, data, undefined, stamp)
        const reply = yield* evaluate(entry, replaceScript, [stored, encoded, millis])
        if (yield* replies.flag(entry.operation)(reply)) return true
      }
      return yield* tooBusy(entry)
    })

  /**
   * Stores the session under its new key first, and then ends the old one: a caller that is interrupted between the two has told
   * nobody the new key.
   */
  const moved = (entry: EntryName, target: string, lifetime: string, handover: number) => {
    const forget = Effect.ignore(client.send("UNLINK", [target]))
    return Effect.gen(function* () {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const seen = yield* lookedAt(entry, lifetime)
        if (typeof seen === "string") {
          if (attempt > 0) yield* forget
          return seen
        }
        const stored = codec.rebind === undefined ? seen.stored : yield* codec.rebind(entry, seen.stored, target)
        const left = Duration.toMillis(seen.expiresIn)
        const args = left === Infinity ? [target, stored] : [target, stored, "PX", Math.max(1, left)]
        yield* client.request("SET", args, replies.ok(entry.operation))
        const reply = yield* evaluate(entry, endScript, [seen.stored, tombstone, String(handover)])
        if (yield* replies.flag(entry.operation)(reply)) return seen
      }
      return yield* tooBusy(entry)
    }).pipe(Effect.onExit((exit) => (Exit.isFailure(exit) ? forget : Effect.void)))
  }

  const finding = {
    name: "session.find",
    key,
    neutral: Option.some<SessionStatus<A>>(SessionStatus.Unknown()),
    tally: ({ _tag }: SessionStatus<A>) => hitOrMiss(_tag === "Found" ? Option.some(_tag) : Option.none())
  }

  return {
    create: (data, timeToLive) =>
      run("session.create", (entry) =>
        Effect.flatMap(lifetime(entry.operation, timeToLive), (lifetime) =>
          Effect.flatMap(stampOfData(entry, data, toMillis(timeToLive) ?? 0), (stamp) =>
            Effect.flatMap(codec.encode(entry, data, undefined, stamp), (encoded) =>
              Effect.flatMap(evaluate(entry, createScript, [encoded, lifetime]), replies.flag(entry.operation))
            )
          )
        )
      ),

    find: (timeToLive, options) => {
      const fromServer = guard(
        finding,
        on("session.find", (entry) =>
          Effect.flatMap(lifetime(entry.operation, timeToLive), (lifetime) =>
            Effect.map(lookedAt(entry, lifetime), statusOf)
          )
        )
      )
      if (near === undefined || nearTags === undefined || options?.near !== true || timeToLive !== "keep")
        return fromServer
      return Effect.flatMapEager(finalKey("session.find", key, keyOptions), (final) =>
        Effect.withFiber((caller) => {
          const entry: EntryName = { operation: "session.find", key, final }
          const known = nearStanding(near, nearTags, entry, caller)
          if (known !== undefined) return guardNear({ ...finding, near: 1 }, Exit.succeed(statusOf(known)))
          if (!near.isFor(final)) return fromServer
          const read = Effect.flatMap(readStanding(near, codec, entry, nearTags.judge), (read) =>
            // Another store may have answered: whether there is a session, only the first one knows.
            near.isFor(final) ? Effect.succeed(read) : lookedAt(entry, lifetimeText("keep"))
          )
          return guard(finding, Effect.map(read, statusOf))
        })
      )
    },

    save: (data, timeToLive) =>
      run("session.save", (entry): Effect.Effect<boolean, ValueError, RE> => {
        if (tagged !== undefined) return replaced(entry, () => Exit.succeed(data), timeToLive)
        return Effect.flatMap(lifetime(entry.operation, timeToLive), (lifetime) =>
          Effect.flatMap(codec.encode(entry, data), (encoded) =>
            Effect.flatMap(evaluate(entry, saveScript, [encoded, lifetime]), isDone(entry))
          )
        )
      }),

    update: (change, timeToLive) =>
      run("session.update", (entry) => {
        const next = (stored: Stored) =>
          Effect.flatMap(liveValue(codec, entry, stored, tags.judge), (data) =>
            Option.isSome(data) ? change(data.value) : Exit.succeed(undefined)
          )
        return replaced(entry, next, timeToLive)
      }),

    touch: (timeToLive) =>
      run("session.touch", (entry) =>
        Effect.andThen(isOver(entry), (isOver): Effect.Effect<boolean, CommandError> =>
          isOver
            ? Exit.succeed(false)
            : Effect.flatMap(lifetime(entry.operation, timeToLive), (lifetime) =>
                Effect.flatMap(evaluate(entry, touchScript, [lifetime]), isDone(entry))
              )
        )
      ),

    destroy: run("session.destroy", (entry) =>
      Effect.flatMap(isOver(entry), (isOver) =>
        Effect.map(Effect.flatMap(evaluate(entry, destroyScript, []), isDone(entry)), (isDone) => isDone && !isOver)
      )
    ),

    move: (to, timeToLive, handover) =>
      run("session.move", (entry) =>
        Effect.gen(function* () {
          const millis = yield* lifetime(entry.operation, timeToLive)
          const handoverMillis = yield* finiteMillis(entry.operation, "handover", handover)
          const target = yield* finalKey(entry.operation, to, keyOptions)
          return statusOf(yield* moved(entry, target, millis, handoverMillis))
        })
      )
  }
}

const statusOf = <A>(standing: Found<A> | Absence): SessionStatus<A> => {
  if (standing === "Missing") return SessionStatus.Missing()
  if (standing === "Ended") return SessionStatus.Ended()
  const { data, expiresIn } = standing
  return SessionStatus.Found({ data, expiresIn })
}

/** A lifetime as the scripts take it. */
const lifetime = (operation: string, timeToLive: SessionLifetime) => {
  if (timeToLive === "keep") return Exit.succeed(lifetimeText("keep"))
  const millis = toMillis(timeToLive)
  if (millis === undefined) return refused(operation, "timeToLive is not a duration")
  if (millis === 0) return refused(operation, "timeToLive must be above zero")
  return Exit.succeed(lifetimeText(millis))
}

const isDone =
  ({ operation }: EntryName) =>
  (reply: Reply) =>
    reply === absence.missing || reply === absence.ended || reply === 1
      ? Exit.succeed(reply === 1)
      : replies.unexpected(operation)

const tooBusy = ({ operation }: EntryName) => tryAgain(operation, "the session changed whenever it was replaced")
