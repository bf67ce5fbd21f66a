/** Values as they are stored. Numbers are raw decimal text, countable by the server, unless they are encrypted. */
import { Effect, Exit } from "effect"
import { type CacheCodecError, CacheInputError } from "./CacheError.ts"
import type { ReplyEncoding } from "./Command.ts"
import { FormatError } from "./FormatError.ts"
import { attempt, codecFailure } from "./codecFailures.ts"
import { Formats, type FormatOptions, type Serialized, toBytes } from "./Formats.ts"
import { type Header, isFramed, isOfFailure, marked, type Stored, type Timing } from "./frame.ts"
import { numberText } from "./numberText.ts"
import type { Place } from "./place.ts"
import type { TagStamp } from "./TagStamp.ts"
import type { ValueLimits } from "./ValueLimits.ts"
import { type JsonSerializer, jsonSerializer, numbers } from "./jsonSerializer.ts"
import type { Serializer } from "./Serializer.ts"

export type CodecError = CacheCodecError | CacheInputError

/** What is encoded or decoded, for errors, and where it is stored. */
export interface EntryName extends Place {
  readonly operation: string
  readonly key: string
  /** The final key is of the cache's own version; undefined where that is not known. */
  readonly isOwn?: boolean | undefined
}

export interface ValueCodec<A, RD = never, RE = never> {
  /** How replies must be read. */
  readonly reply: ReplyEncoding
  /** The value of plain text, where it takes nothing but to parse it. Throws where `decode` says what is wrong. */
  readonly parsed?: ((text: string) => A) | undefined
  /** What the header of plain text would say; undefined where it is no value that is read here. */
  readonly plainHeader: string | undefined
  /** With `timing`: a value that can become stale. With `tags`: one that can be invalidated by them. */
  readonly encode: (
    entry: EntryName,
    value: A,
    timing?: Timing,
    tags?: TagStamp
  ) => Effect.Effect<Stored, CodecError, RE>
  /** The header; undefined for plain text. */
  readonly header: (entry: EntryName, stored: Stored) => Exit.Exit<Header | undefined, CacheCodecError>
  readonly decode: (entry: EntryName, stored: Stored, header: Header | undefined) => Effect.Effect<A, CodecError, RD>
  /** Makes what is stored under one key fit for another; undefined where it already is. */
  readonly rebind: ((entry: EntryName, stored: Stored, to: string) => Exit.Exit<Stored, CacheCodecError>) | undefined
}

/** How values of a type are serialised, whatever happens to the bytes then. */
export interface ValueForm<A, RD, RE> {
  readonly serialize: (entry: EntryName, value: A) => Effect.Effect<Serialized, CodecError, RE>
  readonly deserialize: (entry: EntryName, serialized: Serialized) => Effect.Effect<A, CodecError, RD>
  /** The shortest way of the most usual case. */
  readonly fromJson: (entry: EntryName, text: Stored) => Effect.Effect<A, CodecError, RD>
}

export const takesText = (serializer: Serializer): serializer is JsonSerializer =>
  serializer === jsonSerializer || serializer === numbers

const needsSchema = ({ operation }: EntryName): CacheInputError =>
  new CacheInputError({ operation, reason: "this serializer needs a schema: use withSchema" })

export const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value)

/** Raw decimal text, whatever the serializer. */
export const numeric = (entry: EntryName, value: number): Exit.Exit<Serialized, CacheCodecError> =>
  Object.is(value, -0)
    ? Exit.fail(codecFailure(entry, "encode", new FormatError("negative zero cannot be stored")))
    : Exit.succeed({ serializer: numbers, payload: numberText(value) })

export const serialize = (
  entry: EntryName,
  serializer: Serializer,
  value: unknown,
  limits: ValueLimits
): Exit.Exit<Serialized, CodecError> => {
  if (isNumber(value)) return numeric(entry, value)
  if (serializer.forSchema !== undefined) return Exit.fail(needsSchema(entry))
  return attempt(entry, "encode", `serializer ${serializer.id}`, () => ({
    serializer,
    payload: serializer.encode(value, limits)
  }))
}

export const deserialize = (
  entry: EntryName,
  { payload, serializer }: Serialized,
  limits: ValueLimits
): Exit.Exit<unknown, CodecError> => {
  if (serializer.forSchema !== undefined) return Exit.fail(needsSchema(entry))
  return attempt(entry, "decode", `serializer ${serializer.id}`, () =>
    takesText(serializer) ? serializer.decode(payload, limits) : serializer.decode(toBytes(payload), limits)
  )
}

export const parse = (entry: EntryName, text: Stored, limits: ValueLimits): Exit.Exit<unknown, CacheCodecError> => {
  try {
    return Exit.succeed(jsonSerializer.decode(text, limits))
  } catch (error) {
    return Exit.fail(codecFailure(entry, "decode", error))
  }
}

export const makeCodec = <A, RD, RE>(formats: Formats, form: ValueForm<A, RD, RE>): ValueCodec<A, RD, RE> => ({
  reply: formats.reply,
  plainHeader: formats.plainHeader,
  header: (entry, stored) =>
    isFramed(stored) ? attempt(entry, "decode", "the header", () => formats.header(stored)) : plain,
  // The eager forms take no fiber step for a schema without asynchronous parts.
  encode: (entry, value, timing, tags) =>
    Effect.flatMapEager(form.serialize(entry, value), (serialized) => {
      const plain = timing === undefined && tags === undefined ? formats.plain(serialized) : undefined
      if (plain !== undefined) return Exit.succeed(plain)
      return attempt(entry, "encode", "the format", () => formats.seal(serialized, entry, timing, tags))
    }),
  decode: (entry, stored, header) => {
    if (header === undefined && formats.plainJson) return form.fromJson(entry, stored)
    return Effect.flatMapEager(
      attempt(entry, "decode", "the format", () => formats.open(stored, header, entry)),
      (serialized) => form.deserialize(entry, serialized)
    )
  },
  rebind: formats.encrypted
    ? (entry, stored, to) =>
        attempt(entry, "decode", "the format", () => {
          const header = formats.header(stored)
          // A counter is not encrypted, and a claim is no value.
          if (header === undefined || header.format === "") return stored
          const own = isOfFailure(header) ? formats.failures : formats
          const moved = own.seal(own.open(stored, header, entry), { final: to }, header.timing, header.tags)
          return header.mark === undefined ? moved : marked(moved, header.mark)
        })
    : undefined
})

const plain = Exit.succeed(undefined)

/** Any value that the serializer holds, as it is. */
export const unknownCodec = (options: FormatOptions): ValueCodec<unknown> => {
  const formats = new Formats(options)
  const { limits, writer } = formats
  const codec = makeCodec<unknown, never, never>(formats, {
    serialize: (entry, value) => serialize(entry, writer, value, limits),
    deserialize: (entry, serialized) => deserialize(entry, serialized, limits),
    fromJson: (entry, text) => parse(entry, text, limits)
  })
  return formats.plainJson ? { ...codec, parsed: (text) => jsonSerializer.decode(text, limits) } : codec
}

/** The value where there is one without running anything; undefined = run the effect. */
export const valueNow = <A, E, R>(effect: Effect.Effect<A, E, R> | undefined): { readonly value: A } | undefined => {
  // An exit is the effect that it is the result of, and so of the same type.
  const exit = Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : undefined
  return exit !== undefined && Exit.isSuccess(exit) ? exit : undefined
}
