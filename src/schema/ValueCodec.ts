/**
 * Values as they are stored: JSON text, so that integers are raw decimal text, countable by the server.
 * A codec is compiled once for each schema.
 */
import { Effect, Exit, Schema, SchemaAST } from "effect"
import { SchemaJITCompiler } from "effect/schema"
import { CacheCodecError, type Cause } from "./CacheError.ts"
import { Serializer } from "./Serializer.ts"

export interface ValueCodec<A, RD = never, RE = never> {
  readonly encode: (operation: string, key: string, value: A) => Effect.Effect<string, CacheCodecError, RE>
  readonly decode: (operation: string, key: string, stored: string) => Effect.Effect<A, CacheCodecError, RD>
}

/** What kept a value from being encoded or decoded; its message names paths and types, never the value. */
const because = (error: unknown): Cause =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: "unknown reason" }

const failed = (operation: string, direction: "encode" | "decode", key: string, error: unknown) =>
  new CacheCodecError({ operation, direction, key, cause: because(error) })

const toText = (operation: string, key: string, value: unknown): Exit.Exit<string, CacheCodecError> => {
  if (typeof value === "number" && Number.isInteger(value)) {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return Exit.succeed(String(value))
    const reason = value === 0 ? "negative zero cannot be stored" : "an integer beyond 2^53 cannot be stored exactly"
    return Exit.fail(failed(operation, "encode", key, new RangeError(reason)))
  }
  try {
    return Exit.succeed(Serializer.json.encode(value))
  } catch (error) {
    return Exit.fail(failed(operation, "encode", key, error))
  }
}

const fromText = (operation: string, key: string, stored: string): Exit.Exit<unknown, CacheCodecError> => {
  try {
    return Exit.succeed(Serializer.json.decode(stored))
  } catch (error) {
    return Exit.fail(failed(operation, "decode", key, error))
  }
}

/** Any JSON value, as it is. */
export const unknownCodec: ValueCodec<unknown> = {
  encode: toText,
  decode: fromText
}

export interface SchemaCodec<S extends Schema.Constraint> extends ValueCodec<
  S["Type"],
  S["DecodingServices"],
  S["EncodingServices"]
> {}

/** The codec of a schema: its canonical JSON form, checked in both directions. */
export const schemaCodec = <S extends Schema.Constraint>(schema: S): SchemaCodec<S> => {
  const json = Schema.toCodecJson(schema)
  // Generated code where the platform allows it, the interpreter elsewhere.
  SchemaJITCompiler.enable(json.ast)
  SchemaJITCompiler.enable(SchemaAST.flip(json.ast))
  const decodeJson = Schema.decodeUnknownEffect(json)
  const encodeJson = Schema.encodeEffect(json)
  return {
    // The eager forms take no fiber step for a schema without asynchronous parts.
    encode: (operation, key, value) =>
      Effect.flatMapEager(
        Effect.mapErrorEager(encodeJson(value), (error) => failed(operation, "encode", key, error)),
        (json) => toText(operation, key, json)
      ),
    decode: (operation, key, stored) =>
      Effect.flatMapEager(fromText(operation, key, stored), (json) =>
        Effect.mapErrorEager(decodeJson(json), (error) => failed(operation, "decode", key, error))
      )
  }
}

/** The decoded value where decoding neither waits nor fails; undefined = run the effect. */
export const decodedNow = <A, RD, RE>(
  codec: ValueCodec<A, RD, RE>,
  operation: string,
  key: string,
  stored: string
): { readonly value: A } | undefined => {
  const decoded = codec.decode(operation, key, stored)
  // An exit is the effect that it is the result of, and so of the same type.
  const exit = Exit.isExit(decoded) ? (decoded as Exit.Exit<A, CacheCodecError>) : undefined
  return exit !== undefined && Exit.isSuccess(exit) ? exit : undefined
}
