/**
 * Values as they are stored. Integers are raw decimal text, countable by the server, unless they are encrypted.
 * A codec is compiled once for each schema.
 */
import { Effect, Exit, Schema, SchemaAST } from "effect"
import { SchemaJITCompiler } from "effect/schema"
import { hasLoneSurrogate, lostText, mayHaveLostText } from "./alteration.ts"
import { CacheCodecError, CacheInputError, type ForeignError } from "./CacheError.ts"
import type { ReplyEncoding } from "./Command.ts"
import { FormatError, Formats, type FormatOptions, type Serialized, toBytes } from "./Formats.ts"
import { type Header, isFramed, type Stored, type Timing } from "./frame.ts"
import { integers, type JsonSerializer, Serializer } from "./Serializer.ts"

export type CodecError = CacheCodecError | CacheInputError

/** What is encoded or decoded, for errors, and where it is stored, which encryption binds it to. */
export interface EntryName {
  readonly operation: string
  readonly key: string
  readonly final: string
}

export interface ValueCodec<A, RD = never, RE = never> {
  /** How replies must be read. */
  readonly reply: ReplyEncoding
  /** With `timing`: a value that can become stale. */
  readonly encode: (entry: EntryName, value: A, timing?: Timing) => Effect.Effect<Stored, CodecError, RE>
  /** The header; undefined for plain text. */
  readonly header: (entry: EntryName, stored: Stored) => Exit.Exit<Header | undefined, CacheCodecError>
  readonly decode: (entry: EntryName, stored: Stored, header: Header | undefined) => Effect.Effect<A, CodecError, RD>
  /** Makes what is stored under one key fit for another; undefined where it already is. */
  readonly rebind: ((entry: EntryName, stored: Stored, to: string) => Exit.Exit<Stored, CacheCodecError>) | undefined
}

/** How values of a type are serialised, whatever happens to the bytes then. */
interface ValueForm<A, RD, RE> {
  readonly serialize: (entry: EntryName, value: A) => Effect.Effect<Serialized, CodecError, RE>
  readonly deserialize: (entry: EntryName, serialized: Serialized) => Effect.Effect<A, CodecError, RD>
  /** The shortest way of the most usual case. */
  readonly fromJson: (entry: EntryName, text: Stored) => Effect.Effect<A, CodecError, RD>
}

/** What kept a value from being encoded or decoded; its message names paths and types, never the value. */
const because = (error: unknown): ForeignError =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: "unknown reason" }

export const codecFailure = (
  { key, operation }: { readonly operation: string; readonly key: string | undefined },
  direction: "encode" | "decode",
  error: unknown
): CacheCodecError => new CacheCodecError({ operation, direction, key, cause: because(error) })

const takesText = (serializer: Serializer): serializer is JsonSerializer =>
  serializer === Serializer.json || serializer === integers

/** Our own serializers say what is wrong without quoting it; of others only the kind of error is kept. */
const reasonOf = (serializer: Serializer, error: unknown): unknown =>
  takesText(serializer) || serializer === Serializer.msgpack
    ? error
    : new FormatError(`serializer ${serializer.id} failed (${error instanceof Error ? error.name : "unknown reason"})`)

const needsSchema = ({ operation }: EntryName): CacheInputError =>
  new CacheInputError({ operation, reason: "this serializer needs a schema: use withSchema" })

const isInteger = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value)

/** Raw decimal text, whatever the serializer. */
const integerText = (entry: EntryName, value: number): Exit.Exit<Serialized, CacheCodecError> => {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return Exit.succeed({ serializer: integers, payload: String(value) })
  }
  const reason = value === 0 ? "negative zero cannot be stored" : "an integer beyond 2^53 cannot be stored exactly"
  return Exit.fail(codecFailure(entry, "encode", new RangeError(reason)))
}

const serialize = (entry: EntryName, serializer: Serializer, value: unknown): Exit.Exit<Serialized, CodecError> => {
  if (isInteger(value)) return integerText(entry, value)
  if (serializer.forSchema !== undefined) return Exit.fail(needsSchema(entry))
  try {
    return Exit.succeed({ serializer, payload: serializer.encode(value) })
  } catch (error) {
    return Exit.fail(codecFailure(entry, "encode", reasonOf(serializer, error)))
  }
}

const deserialize = (entry: EntryName, { payload, serializer }: Serialized): Exit.Exit<unknown, CodecError> => {
  if (serializer.forSchema !== undefined) return Exit.fail(needsSchema(entry))
  try {
    return Exit.succeed(takesText(serializer) ? serializer.decode(payload) : serializer.decode(toBytes(payload)))
  } catch (error) {
    return Exit.fail(codecFailure(entry, "decode", reasonOf(serializer, error)))
  }
}

const parse = (entry: EntryName, text: Stored): Exit.Exit<unknown, CodecError> => {
  try {
    return Exit.succeed(Serializer.json.decode(text))
  } catch (error) {
    return Exit.fail(codecFailure(entry, "decode", error))
  }
}

const makeCodec = <A, RD, RE>(formats: Formats, form: ValueForm<A, RD, RE>): ValueCodec<A, RD, RE> => {
  const attempt = <B>(
    entry: EntryName,
    direction: "encode" | "decode",
    run: () => B
  ): Exit.Exit<B, CacheCodecError> => {
    try {
      return Exit.succeed(run())
    } catch (error) {
      return Exit.fail(codecFailure(entry, direction, error))
    }
  }
  return {
    reply: formats.reply,
    header: (entry, stored) => (isFramed(stored) ? attempt(entry, "decode", () => formats.header(stored)) : plain),
    // The eager forms take no fiber step for a schema without asynchronous parts.
    encode: (entry, value, timing) =>
      Effect.flatMapEager(form.serialize(entry, value), (serialized) => {
        const plain = timing === undefined ? formats.plain(serialized) : undefined
        if (plain !== undefined) return Exit.succeed(plain)
        return attempt(entry, "encode", () => formats.seal(serialized, entry.final, timing))
      }),
    decode: (entry, stored, header) => {
      if (header === undefined && formats.plainJson) return form.fromJson(entry, stored)
      return Effect.flatMapEager(
        attempt(entry, "decode", () => formats.open(stored, header, entry.final)),
        (serialized) => form.deserialize(entry, serialized)
      )
    },
    rebind: formats.encrypted
      ? (entry, stored, to) =>
          attempt(entry, "decode", () => {
            const header = formats.header(stored)
            // A counter is not encrypted, and a claim is no value.
            if (header === undefined || header.format === "") return stored
            return formats.seal(formats.open(stored, header, entry.final), to, header.timing)
          })
      : undefined
  }
}

const plain = Exit.succeed(undefined)

/** Any value that the serializer holds, as it is. */
export const unknownCodec = (options: FormatOptions): ValueCodec<unknown> => {
  const formats = new Formats(options)
  return makeCodec(formats, {
    serialize: (entry, value) => serialize(entry, formats.writer, value),
    deserialize,
    fromJson: parse
  })
}

export interface SchemaCodec<S extends Schema.Constraint> extends ValueCodec<
  S["Type"],
  S["DecodingServices"],
  S["EncodingServices"]
> {}

/** The codecs of a schema, one for each set of options: compiled when first asked for. */
export const schemaCodecs = <S extends Schema.Constraint>(schema: S): ((options: FormatOptions) => SchemaCodec<S>) => {
  const json = Schema.toCodecJson(schema)
  const { decode: decodeJson, encode: encodeJson } = compiled(json)
  const encodedJson = (entry: EntryName, value: S["Type"]) =>
    Effect.mapErrorEager(encodeJson(value), (error) => codecFailure(entry, "encode", error))
  const viaJson = (entry: EntryName, writer: Serializer, value: S["Type"]) =>
    Effect.flatMapEager(encodedJson(entry, value), (json) => serialize(entry, writer, json))

  const fromParsed = (entry: EntryName, json: unknown) => {
    const decoded = decodeJson(json)
    return valueNow(decoded) === undefined
      ? Effect.mapErrorEager(decoded, (error) => codecFailure(entry, "decode", error))
      : // It cannot fail any more.
        (decoded as Effect.Effect<S["Type"], never, S["DecodingServices"]>)
  }

  const derived = new Map<Serializer, ReturnType<typeof derive<S>>>()
  const derivedFrom = (serializer: Serializer) => {
    const known = derived.get(serializer)
    if (known !== undefined || serializer.forSchema === undefined) return known
    const made = derive(schema, serializer.forSchema)
    derived.set(serializer, made)
    return made
  }

  return (options) => {
    const formats = new Formats(options)
    const { writer } = formats
    const binary = derivedFrom(writer)
    const viaBinary =
      binary === undefined
        ? undefined
        : (entry: EntryName, value: S["Type"]) =>
            Effect.flatMapEager(
              Effect.mapErrorEager(binary.encode(value), (error) => codecFailure(entry, "encode", error)),
              (payload): Effect.Effect<Serialized, CacheCodecError, S["EncodingServices"]> => {
                const serialized = { serializer: writer, payload }
                if (!mayHaveLostText(payload)) return Exit.succeed(serialized)
                return Effect.flatMapEager(encodedJson(entry, value), (json) =>
                  hasLoneSurrogate(json)
                    ? Exit.fail(codecFailure(entry, "encode", lostText(writer.id)))
                    : Exit.succeed(serialized)
                )
              }
            )
    return makeCodec(formats, {
      serialize: (entry, value) => {
        if (viaBinary === undefined) return viaJson(entry, writer, value)
        if (!isInteger(value)) return viaBinary(entry, value)
        // What is an integer in JSON, too, stays countable.
        return Effect.flatMapEager(encodedJson(entry, value), (json) =>
          isInteger(json) ? integerText(entry, json) : viaBinary(entry, value)
        )
      },
      deserialize: (entry, serialized) => {
        const form = derivedFrom(serialized.serializer)
        if (form !== undefined) {
          return Effect.mapErrorEager(form.decode(toBytes(serialized.payload)), (error) =>
            codecFailure(entry, "decode", error)
          )
        }
        return Effect.flatMapEager(deserialize(entry, serialized), (json) => fromParsed(entry, json))
      },
      fromJson: (entry, text) => {
        const json = parse(entry, text)
        return Exit.isSuccess(json) ? fromParsed(entry, json.value) : Exit.failCause(json.cause)
      }
    })
  }
}

/** Generated code where the platform allows it, the interpreter elsewhere. */
const compiled = <S extends Schema.Constraint>(codec: S) => {
  SchemaJITCompiler.enable(codec.ast)
  SchemaJITCompiler.enable(SchemaAST.flip(codec.ast))
  return { encode: Schema.encodeEffect(codec), decode: Schema.decodeUnknownEffect(codec) }
}

const derive = <S extends Schema.Constraint>(schema: S, forSchema: NonNullable<Serializer["forSchema"]>) =>
  compiled(forSchema(schema))

/** The value where there is one without running anything; undefined = run the effect. */
export const valueNow = <A, E, R>(effect: Effect.Effect<A, E, R> | undefined): { readonly value: A } | undefined => {
  // An exit is the effect that it is the result of, and so of the same type.
  const exit = Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : undefined
  return exit !== undefined && Exit.isSuccess(exit) ? exit : undefined
}
