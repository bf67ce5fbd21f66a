/** The operations of one session's entry. */
import { Duration, Effect, Exit, Option } from "effect"
import type { CacheError, CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused, tryAgain } from "../../../schema/failures.ts"
import { scriptCall, type Script } from "../../../schema/Script.ts"
import { SessionStatus } from "../../../schema/SessionStatus.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheSession, SessionLifetime } from "../../operations/CacheSession.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import { sendOne } from "../kernel/batches.ts"
import type { CacheContext } from "../kernel/context.ts"
import { hitOrMiss } from "../kernel/declare.ts"
import { isStored } from "../kernel/entry.ts"
import { finiteMillis } from "../kernel/finiteMillis.ts"
import { lifetimeText } from "../kernel/overSeen.ts"
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

/** A session that changes so often while it is replaced or moved is left as it is. */
const maxAttempts = 10

export const makeSession = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  key: string,
  keyOptions?: KeyOptions
): CacheSession<A, RD, RE> => {
  const { client, codec, finalKey, guard, guardNear, inFlight, near, readOptions } = context
  /** One operation, with nothing to pretend. */
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

  /** Its reply in the encoding of values. */
  const evaluate = (
    { final, operation }: EntryName,
    script: Script,
    args: ReadonlyArray<Arg>
  ): Effect.Effect<Reply, CommandError> =>
    sendOne(client, operation, scriptCall(script, [final], args, readOptions?.reply))

  const lookedAt = (entry: EntryName, lifetime: string): Effect.Effect<Standing<A> | Absence, ValueError, RD> =>
    Effect.flatMap(
      evaluate(entry, findScript, [lifetime]),
      (reply): Effect.Effect<Standing<A> | Absence, ValueError, RD> => {
        if (reply === absence.missing) return Effect.succeed("Missing")
        if (reply === absence.ended) return Effect.succeed("Ended")
        const [stored, left] = Array.isArray(reply) ? reply : []
        if (stored === undefined || !isStored(stored) || typeof left !== "number") {
          return replies.unexpected(entry.operation)
        }
        return standingOf(codec, entry, stored, left === -1 ? Infinity : Math.max(0, left))
      }
    )

  /** Under its new key first, then the end of the old one: whoever is interrupted between has told nobody the new key. */
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
          Effect.flatMap(codec.encode(entry, data), (encoded) =>
            Effect.flatMap(evaluate(entry, createScript, [encoded, lifetime]), replies.flag(entry.operation))
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
      if (near === undefined || options?.near !== true || timeToLive !== "keep") return fromServer
      return Effect.flatMapEager(finalKey("session.find", key, keyOptions), (final) =>
        Effect.withFiber((caller) => {
          const entry: EntryName = { operation: "session.find", key, final }
          const known = nearStanding(near, entry, caller)
          if (known !== undefined) return guardNear({ ...finding, near: 1 }, Exit.succeed(statusOf(known)))
          if (!near.isFor(final)) return fromServer
          const read = Effect.flatMap(readStanding(near, codec, entry), (read) =>
            // Another store may have answered: whether there is a session, only the first one knows.
            near.isFor(final) ? Effect.succeed(read) : lookedAt(entry, lifetimeText("keep"))
          )
          return guard(finding, Effect.map(read, statusOf))
        })
      )
    },

    save: (data, timeToLive) =>
      run("session.save", (entry) =>
        Effect.flatMap(lifetime(entry.operation, timeToLive), (lifetime) =>
          Effect.flatMap(codec.encode(entry, data), (encoded) =>
            Effect.flatMap(evaluate(entry, saveScript, [encoded, lifetime]), isDone(entry))
          )
        )
      ),

    update: (change, timeToLive) =>
      run("session.update", (entry) =>
        Effect.gen(function* () {
          const millis = yield* lifetime(entry.operation, timeToLive)
          for (let attempt = 0; attempt < maxAttempts; attempt++) {
            const seen = yield* lookedAt(entry, "")
            if (typeof seen === "string") return false
            const encoded = yield* codec.encode(entry, yield* change(seen.data))
            const reply = yield* evaluate(entry, replaceScript, [seen.stored, encoded, millis])
            if (yield* replies.flag(entry.operation)(reply)) return true
          }
          return yield* tooBusy(entry)
        })
      ),

    touch: (timeToLive) =>
      run("session.touch", (entry) =>
        Effect.flatMap(lifetime(entry.operation, timeToLive), (lifetime) =>
          Effect.flatMap(evaluate(entry, touchScript, [lifetime]), isDone(entry))
        )
      ),

    destroy: run("session.destroy", (entry) => Effect.flatMap(evaluate(entry, destroyScript, []), isDone(entry))),

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

/** As the scripts take it. */
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
