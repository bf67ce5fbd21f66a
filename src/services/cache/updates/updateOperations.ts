/** Compare-and-set: what was read is replaced, and nothing else. */
import { type Duration, Effect, Equal, Exit, Option, Random } from "effect"
import { CacheConflictError } from "../../../schema/CacheConflictError.ts"
import { CacheTimeoutError, type ValueError } from "../../../schema/CacheError.ts"
import { refused, tryAgain } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheUpdates, SetIfOptions, UpdateOptions } from "../../operations/CacheUpdates.ts"
import type { TagOptions } from "../../operations/TagOptions.ts"
import type { KeyedMutex } from "../coordination/KeyedMutex.ts"
import type { CacheContext } from "../kernel/context.ts"
import * as replies from "../kernel/replies.ts"
import { type End, endAt, later } from "../kernel/End.ts"
import { setArguments, timingFor } from "../kernel/setCommand.ts"
import { namesOf, stampFor } from "../kernel/tagging.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import { replaceCommand, type Seen, seenIn } from "./seen.ts"

/** The lifetime of what is stored: undefined = the one that the value has. */
interface Times extends TagOptions {
  /** The next value bears the tags that the one before it has. */
  readonly carries: boolean
  readonly timeToLive: Duration.Input | undefined
  /** The end of the value, in place of `timeToLive`. */
  readonly end?: End | undefined
  readonly keeps: boolean
  readonly staleFor: number
}

const maxAttempts = 100

/** Milliseconds to wait for others in this process, of whom each is bounded by its own deadlines. */
const longestTurn = 300_000

/** Milliseconds of the longest pause after a conflict. */
const longestPause = 50

export const updateOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  turns: KeyedMutex
): CacheUpdates<A, RD, RE> => {
  const { client, codec, finalKey, guard, inFlight, lifetime, tags } = context

  /** Runs when nobody else in this process updates the key. */
  const inTurn = <B, E, R>(entry: EntryName, effect: Effect.Effect<B, E, R>) =>
    Effect.scoped(
      Effect.flatMap(turns.take(entry.final, longestTurn), (mine): Effect.Effect<B, E | CacheTimeoutError, R> =>
        mine
          ? effect
          : Effect.fail(
              new CacheTimeoutError({
                operation: entry.operation,
                phase: "queue",
                timeout: longestTurn,
                mayHaveExecuted: false
              })
            )
      )
    )

  // GETEX without options is a GET that no replica answers, whose older value would decide. As bytes, because what is no text
  // could not be compared.
  const read = (entry: EntryName) =>
    client.request("GETEX", [entry.final], seenIn(codec, entry, tags.judge), { reply: "buffer" })

  const encoded = (
    entry: EntryName,
    value: A,
    seen: Seen<A>,
    times: Times
  ): Effect.Effect<readonly [Stored, End | undefined], ValueError, RE> => {
    // What is made of a value is made of what that was made from.
    const carried = times.carries && Option.isSome(seen.value) ? seen.tags : undefined
    if (times.keeps && Option.isSome(seen.value)) {
      return Effect.flatMap(stampFor(context, entry.operation, times, undefined), (stamp) =>
        Effect.map(codec.encode(entry, value, seen.timing, stamp ?? carried), (stored) => [stored, undefined])
      )
    }
    const ends: Effect.Effect<End, ValueError> =
      times.end === undefined ? lifetime(entry.operation, times.timeToLive) : Exit.succeed(times.end)
    return Effect.flatMap(ends, (end) =>
      Effect.flatMap(times.staleFor === 0 ? Exit.succeed(undefined) : timingFor(end, 0), (timing) => {
        const kept = timing === undefined ? end : later(end, times.staleFor)
        return Effect.flatMap(stampFor(context, entry.operation, times, kept), (stamp) =>
          Effect.map(codec.encode(entry, value, timing, stamp ?? carried), (stored) => [stored, kept])
        )
      })
    )
  }

  /** Whether the key still held what was seen, and holds the next value now. */
  const replace = (
    entry: EntryName,
    seen: Seen<A>,
    next: Option.Option<A>,
    times: Times
  ): Effect.Effect<boolean, ValueError, RE> => {
    const { final } = entry
    const { stored } = seen
    if (Option.isNone(next)) {
      if (stored === undefined) return Exit.succeed(true)
      inFlight.outdate(final)
      return replaceCommand(client, final, stored, "", 0)
    }
    return Effect.flatMap(encoded(entry, next.value, seen, times), ([value, end]) => {
      inFlight.outdate(final)
      if (stored !== undefined) return replaceCommand(client, final, stored, value, end)
      // What is stored for no time is absent, as it was.
      if (end === 0) return Exit.succeed(true)
      return client.request("SET", setArguments(final, value, end, { when: "absent" }), replies.done(entry.operation))
    })
  }

  const staleMillis = (operation: string, { staleFor }: Pick<UpdateOptions, "staleFor">) => {
    const millis = staleFor === undefined ? 0 : toMillis(staleFor)
    return millis === undefined ? refused(operation, "staleFor is not a duration") : Exit.succeed(millis)
  }

  const attemptUpdate = Effect.fnUntraced(function* (
    entry: EntryName,
    f: (current: Option.Option<A>) => Option.Option<A>,
    attempts: number,
    times: Times
  ): Effect.fn.Return<Option.Option<A> | CacheConflictError, ValueError, RD | RE> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      yield* pauseBefore(attempt)
      const seen = yield* read(entry)
      const next = f(seen.value)
      if (yield* replace(entry, seen, next, times)) return next
    }
    return new CacheConflictError({ operation: entry.operation, key: entry.key, attempts })
  })

  const update = Effect.fnUntraced(function* (
    key: string,
    f: (current: Option.Option<A>) => Option.Option<A>,
    options: UpdateOptions
  ) {
    const final = yield* finalKey("update", key, options)
    const attempts = yield* wholeNumber("update", "attempts", options.attempts ?? maxAttempts, 1)
    const { timeToLive } = options
    const staleFor = yield* staleMillis("update", options)
    if (staleFor > 0 && timeToLive === undefined) return yield* refused("update", "staleFor needs timeToLive")
    const entry = { operation: "update", key, final }
    const times = { timeToLive, keeps: timeToLive === undefined, staleFor, carries: true }
    return yield* inTurn(entry, attemptUpdate(entry, f, attempts, times))
  })

  const attemptSet = Effect.fnUntraced(function* (
    entry: EntryName,
    isExpected: (value: Option.Option<A>) => boolean,
    value: A,
    times: Times
  ) {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      yield* pauseBefore(attempt)
      const seen = yield* read(entry)
      if (!isExpected(seen.value)) return false
      if (yield* replace(entry, seen, Option.some(value), times)) return true
    }
    return yield* tryAgain("setIf", `others stored equal values during each of ${maxAttempts} attempts`)
  })

  const setIf = Effect.fnUntraced(function* (
    key: string,
    expected: Option.Option<A>,
    value: A,
    { equivalence = Equal.equals, ...options }: SetIfOptions<A>
  ) {
    const final = yield* finalKey("setIf", key, options)
    const { expireAt, keepTtl = false, timeToLive } = options
    if (expireAt !== undefined && (keepTtl || timeToLive !== undefined)) {
      return yield* refused("setIf", "expireAt excludes timeToLive and keepTtl: give only one of them")
    }
    const end = expireAt === undefined ? undefined : yield* endAt("setIf", expireAt)
    const staleFor = yield* staleMillis("setIf", options)
    if (keepTtl && timeToLive !== undefined)
      return yield* refused("setIf", "keepTtl and timeToLive exclude each other: give only one of them")
    if (keepTtl && staleFor > 0)
      return yield* refused("setIf", "keepTtl and staleFor exclude each other: give only one of them")
    const isExpected = (current: Option.Option<A>) =>
      Option.isNone(expected)
        ? Option.isNone(current)
        : Option.isSome(current) && equivalence(expected.value, current.value)
    const entry = { operation: "setIf", key, final }
    const { since, tags } = options
    yield* namesOf("setIf", tags, since)
    const times = { timeToLive, end, keeps: keepTtl, staleFor, carries: false, tags, since }
    return yield* inTurn(entry, attemptSet(entry, isExpected, value, times))
  })

  return {
    update: (key, f, options = {}) =>
      Effect.flatMap(
        // Nothing pretends to be the result of an update.
        guard(
          {
            name: "update",
            key,
            neutral: Option.none(),
            tally: (next) => ({ stores: Option.isOption(next) && Option.isSome(next) ? 1 : 0 })
          },
          update(key, f, options)
        ),
        (next) => (Option.isOption(next) ? Exit.succeed(next) : Exit.fail(next))
      ),
    setIf: (key, expected, value, options = {}) =>
      guard(
        { name: "setIf", key, neutral: Option.some(false), tally: (done) => ({ stores: Number(done) }) },
        setIf(key, expected, value, options)
      )
  }
}

/** The first conflict is tried again at once; those who meet often part by chance. */
const pauseBefore = (attempt: number): Effect.Effect<void> =>
  attempt < 2
    ? Effect.void
    : Effect.flatMap(Random.next, (random) => Effect.sleep(random * Math.min(longestPause, 2 ** (attempt - 1))))
