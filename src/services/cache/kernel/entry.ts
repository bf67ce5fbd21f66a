/** What a key holds: nothing, a value, a value that has become stale, a claim. */
import { Clock, Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { type Header, isFramed, isOfFailure, type Stored } from "../../../schema/frame.ts"
import { type CodecError, type EntryName, type ValueCodec, valueNow } from "../../../schema/ValueCodec.ts"
import type { TagVerdict } from "../tags/TagRecords.ts"
import { type Judge, untagged } from "../tags/Tags.ts"
import { type CacheMetrics, count } from "./metrics.ts"
import * as replies from "./replies.ts"

export const isStored = (reply: Reply): reply is Stored => typeof reply === "string" || Buffer.isBuffer(reply)

/** A field of a hash, or of an entry of a stream. */
export const fieldEntry = ({ final, key, operation }: EntryName, kind: "hash" | "stream", name: string): EntryName => ({
  operation,
  key,
  final,
  part: { kind, name }
})

/** The value for whoever asks now, or none: what is stale is there only for `getOrSet`. `known`: the header where it has been read. */
export const liveValue = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  stored: Stored,
  judge: Judge = untagged,
  known?: Header
): Effect.Effect<Option.Option<A>, CodecError | CommandError, RD> => {
  const decoded = (found: Header | undefined) => Effect.mapEager(codec.decode(entry, stored, found), Option.some)
  if (!isFramed(stored)) return parsedNow(codec, stored) ?? decoded(undefined)
  const header = known === undefined ? codec.header(entry, stored) : Exit.succeed(known)
  if (!Exit.isSuccess(header)) return Exit.failCause(header.cause)
  const found = header.value
  if (found === undefined) return decoded(undefined)
  if (found.format === "") return Effect.succeedNone
  return Effect.flatMapEager(isLive(found, judge), (isLive) => (isLive ? decoded(found) : Effect.succeedNone))
}

/** The shortest way of the most usual case; undefined where more has to be looked at. */
const parsedNow = <A, RD, RE>(
  { parsed }: ValueCodec<A, RD, RE>,
  stored: Stored
): Exit.Exit<Option.Option<A>> | undefined => {
  if (parsed === undefined || typeof stored !== "string") return undefined
  try {
    return Exit.succeed(Option.some(parsed(stored)))
  } catch {
    // `decode` says what is wrong.
    return undefined
  }
}

/** Whether the value that the header is of may be given to who asks now. */
export const isLive = (header: Header, judge: Judge = untagged): Effect.Effect<boolean, CommandError> => {
  const { mark, tags, timing } = header
  if (mark !== undefined || isOfFailure(header)) return Exit.succeed(false)
  if (timing === undefined) return tags === undefined ? live : Effect.mapEager(judge(tags), isLiveVerdict)
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    if (now >= timing.freshUntil) return Exit.succeed(false)
    return tags === undefined ? live : Effect.mapEager(judge(tags), isLiveVerdict)
  })
}

const live = Exit.succeed(true)
const isLiveVerdict = (verdict: TagVerdict): boolean => verdict === "live"

/** Of a reply. `judge`: of a whole key, which may bear tags; elements and fields bear none. */
export const valueOf =
  <A, RD, RE>(codec: ValueCodec<A, RD, RE>, entry: EntryName, judge?: Judge) =>
  (reply: Reply): Effect.Effect<Option.Option<A>, ValueError, RD> => {
    if (reply === null) return Effect.succeedNone
    return isStored(reply) ? liveValue(codec, entry, reply, judge) : replies.unexpected(entry.operation)
  }

/** The value of a reply that can be nothing but that, now; undefined where more has to be looked at. */
export const plainValue = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  reply: Reply
): Effect.Effect<A, never, RD> | undefined => {
  if (!isStored(reply) || isFramed(reply)) return undefined
  const decoded = codec.decode(entry, reply, undefined)
  // It has succeeded, and so is an effect that does not fail.
  return valueNow(decoded) === undefined ? undefined : (decoded as Effect.Effect<A, never, RD>)
}

/** All of what a key holds, for who would replace it. */
export interface Found<A> {
  readonly stored: Stored
  readonly header: Header | undefined
  /** None where there is but a claim, nothing that can be decoded, or what was invalidated and is gone. */
  readonly value: Option.Option<A>
  /** It was made stale, by itself or with a tag, and is to be served only while a lookup runs. */
  readonly isOutdated: boolean
  /** There is no value, but the failure of a lookup. */
  readonly isFailure: boolean
}

/** What is decoded with, and where it is counted that it cannot be. */
export interface Decoding<A, RD, RE> {
  readonly codec: ValueCodec<A, RD, RE>
  readonly metrics: CacheMetrics
}

/** Of a reply; undefined = nothing. */
export const foundIn =
  <A, RD, RE>({ codec, metrics }: Decoding<A, RD, RE>, entry: EntryName, judge: Judge) =>
  (reply: Reply): Effect.Effect<Found<A> | undefined, CommandError, RD> => {
    if (reply === null) return Exit.succeed(undefined)
    if (!isStored(reply)) return replies.unexpected(entry.operation)
    const header = codec.header(entry, reply)
    if (!Exit.isSuccess(header)) return undecodable(metrics, reply)
    const found = header.value
    const nothing = { stored: reply, header: found, value: Option.none(), isOutdated: false, isFailure: false }
    if (found?.format === "") return Exit.succeed(nothing)
    if (found !== undefined && isOfFailure(found)) {
      const failure = { ...nothing, isFailure: true }
      if (found.tags === undefined) return Exit.succeed(failure)
      return Effect.mapEager(judge(found.tags), (verdict) => (verdict === "live" ? failure : nothing))
    }
    const decode = (isOutdated: boolean): Effect.Effect<Found<A>, never, RD> => {
      const foundAs = (value: A) => ({
        stored: reply,
        header: found,
        value: Option.some(value),
        isOutdated,
        isFailure: false
      })
      const decoded = codec.decode(entry, reply, found)
      const exit = valueNow(decoded)
      if (exit !== undefined) return Exit.succeed(foundAs(exit.value))
      return Effect.matchEffect(decoded, {
        onSuccess: (value) => Effect.succeed(foundAs(value)),
        onFailure: () => undecodable(metrics, reply)
      })
    }
    const isMarked = found?.mark !== undefined
    if (found?.tags === undefined) return decode(isMarked)
    return Effect.flatMapEager(judge(found.tags), (verdict) =>
      verdict === "gone" ? Exit.succeed(nothing) : decode(isMarked || verdict === "stale")
    )
  }

const undecodable = (metrics: CacheMetrics, stored: Stored) =>
  Effect.as(count(metrics.undecodable), {
    stored,
    header: undefined,
    value: Option.none(),
    isOutdated: false,
    isFailure: false
  })
