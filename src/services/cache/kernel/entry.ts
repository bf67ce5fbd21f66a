/** What a key holds: nothing, a value, a value that has become stale, a claim. */
import { Clock, Effect, Exit, Option } from "effect"
import type { CommandError, ValueError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { type Header, isFramed, type Stored } from "../../../schema/frame.ts"
import { type CodecError, type EntryName, type ValueCodec, valueNow } from "../../../schema/ValueCodec.ts"
import { count, metrics } from "./metrics.ts"
import * as replies from "./replies.ts"

export const isStored = (reply: Reply): reply is Stored => typeof reply === "string" || Buffer.isBuffer(reply)

/** A field of a hash, or of an entry of a stream. */
export const fieldEntry = ({ final, key, operation }: EntryName, kind: "hash" | "stream", name: string): EntryName => ({
  operation,
  key,
  final,
  part: { kind, name }
})

/** The value for whoever asks now, or none: what is stale is there only for `getOrSet`. */
export const liveValue = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  entry: EntryName,
  stored: Stored
): Effect.Effect<Option.Option<A>, CodecError, RD> => {
  const decoded = (found: Header | undefined) => Effect.mapEager(codec.decode(entry, stored, found), Option.some)
  if (!isFramed(stored)) return decoded(undefined)
  const header = codec.header(entry, stored)
  if (!Exit.isSuccess(header)) return Exit.failCause(header.cause)
  const found = header.value
  if (found === undefined) return decoded(undefined)
  if (found.format === "") return Effect.succeedNone
  const { timing } = found
  if (timing === undefined) return decoded(found)
  return Effect.flatMap(Clock.currentTimeMillis, (now) =>
    now < timing.freshUntil ? decoded(found) : Effect.succeedNone
  )
}

/** Of a reply. */
export const valueOf =
  <A, RD, RE>(codec: ValueCodec<A, RD, RE>, entry: EntryName) =>
  (reply: Reply): Effect.Effect<Option.Option<A>, ValueError, RD> => {
    if (reply === null) return Effect.succeedNone
    return isStored(reply) ? liveValue(codec, entry, reply) : replies.unexpected(entry.operation)
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
  /** None where there is but a claim, or nothing that can be decoded. */
  readonly value: Option.Option<A>
}

/** Of a reply; undefined = nothing. */
export const foundIn =
  <A, RD, RE>(codec: ValueCodec<A, RD, RE>, entry: EntryName) =>
  (reply: Reply): Effect.Effect<Found<A> | undefined, CommandError, RD> => {
    if (reply === null) return Exit.succeed(undefined)
    if (!isStored(reply)) return replies.unexpected(entry.operation)
    const header = codec.header(entry, reply)
    if (!Exit.isSuccess(header)) return undecodable(reply)
    const found = header.value
    if (found?.format === "") return Exit.succeed({ stored: reply, header: found, value: Option.none() })
    const decoded = codec.decode(entry, reply, found)
    const exit = valueNow(decoded)
    if (exit !== undefined) return Exit.succeed({ stored: reply, header: found, value: Option.some(exit.value) })
    return Effect.matchEffect(decoded, {
      onSuccess: (value) => Effect.succeed({ stored: reply, header: found, value: Option.some(value) }),
      onFailure: () => undecodable(reply)
    })
  }

const undecodable = (stored: Stored) =>
  Effect.as(count(metrics.undecodable), { stored, header: undefined, value: Option.none() })
