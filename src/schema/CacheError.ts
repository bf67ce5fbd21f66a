/**
 * Every way an operation can fail. All are tagged: match them with `Effect.catchTag`.
 *
 * No error carries a value, a command argument or a credential: what is kept of a
 * foreign error is its name, its message and its code.
 */
import { Schema } from "effect"
import { Topology } from "./Command.ts"
import { ForeignError } from "./ForeignError.ts"

/** Text that may be missing, so that plain JSON can carry the error. */
const OptionalText = Schema.optional(Schema.String)

/** "host:port" of the server that it concerns. */
const Node = OptionalText

/** What an `HttpApi` answers with where a handler fails so: the cache cannot be asked for the moment. */
const unavailable = { httpApiStatus: 503 }

const at = (node: string | undefined): string => (node === undefined ? "" : ` at ${node}`)
const unknownOutcome = (mayHaveExecuted: boolean): string => (mayHaveExecuted ? "; it may have been executed" : "")

/**
 * No usable connection: refused, DNS, TLS, authentication, lost mid-command, client closed.
 *
 * - `phase`: `connect` = never sent; `lost` = the connection broke while the command was out; `closed` = the layer is closed
 * - `code`: what is behind it, where known: ECONNREFUSED, ENOTFOUND, WRONGPASS, LOADING, PROTOCOL …
 * - `mayHaveExecuted`: the command was written to a socket before the loss, and may have changed something. False for what
 *   only reads
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   yield* (yield* Faults.Faults).set({ failure: "refused" })
 *   const error = yield* Effect.flip(CacheService.use((cache) => cache.get("user:1")))
 *   if (error._tag === "CacheConnectionError") console.log(error.phase, error.code, error.mayHaveExecuted)
 * })
 * const faulty = CacheLive.pipe(Layer.provideMerge(Faults.layer), Layer.provide(ValkeyMemory.layer()))
 * Effect.runSync(Effect.provide(program, faulty))
 * // => connect ECONNREFUSED false
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheConnectionError extends Schema.TaggedError<CacheConnectionError>(
  "effect-vcache/CacheConnectionError"
)(
  "CacheConnectionError",
  {
    /** The name of the operation that failed, or of the layer. */
    operation: Schema.String,
    /** `connect`: never sent. `lost`: the connection broke while the command was out. `closed`: the layer is closed. */
    phase: Schema.Literals(["connect", "lost", "closed"]),
    /** What is behind it, where known: ECONNREFUSED, ENOTFOUND, WRONGPASS, LOADING, PROTOCOL … */
    code: OptionalText,
    /** The server as "host:port", where one is concerned. */
    node: Node,
    /** Whether it may have been executed all the same. Look at it before you repeat a write. */
    mayHaveExecuted: Schema.Boolean,
    /** The error of the other library behind it, where there is one. */
    cause: Schema.optionalKey(ForeignError)
  },
  unavailable
) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    const what = { connect: "no connection", lost: "connection lost", closed: "the cache is closed" }[this.phase]
    // A server that has no code for it has a sentence.
    const reason = this.code === "ERR" ? (this.cause?.message ?? this.code) : this.code
    const why = reason === undefined ? "" : ` (${reason})`
    return `${this.operation}: ${what}${at(this.node)}${why}${unknownOutcome(this.mayHaveExecuted)}`
  }
}

/**
 * A deadline of `timeout` milliseconds passed. `phase: "queue"` = waiting for a free place in flight, or for a free connection; never sent.
 * `"lookup"` = waiting for a lookup that another caller had begun. `code`: what the connection waited for, where somebody has
 * to repair it. TLS_HANDSHAKE = the server took the connection and does not answer the TLS handshake, as a port without TLS does.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { CacheLive, CacheService, ValkeyMemory } from "effect-vcache"
 * import { Faults } from "effect-vcache/testing"
 *
 * const program = Effect.gen(function* () {
 *   yield* (yield* Faults.Faults).set({ commands: ["SET"], failure: "timeout" })
 *   const error = yield* Effect.flip(CacheService.use((cache) => cache.set("user:1", "Ada")))
 *   if (error._tag === "CacheTimeoutError") console.log(error.phase, error.timeout, error.mayHaveExecuted)
 * })
 * const faulty = CacheLive.pipe(Layer.provideMerge(Faults.layer), Layer.provide(ValkeyMemory.layer()))
 * Effect.runSync(Effect.provide(program, faulty))
 * // => command 1000 true
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheTimeoutError extends Schema.TaggedError<CacheTimeoutError>("effect-vcache/CacheTimeoutError")(
  "CacheTimeoutError",
  {
    /** The name of the operation that failed, or of the layer. */
    operation: Schema.String,
    /** What was waited for: a connection, a free place or connection (`queue`, never sent), the reply, or another caller's lookup. */
    phase: Schema.Literals(["connect", "queue", "command", "lookup"]),
    /** The deadline, in milliseconds. */
    timeout: Schema.Number,
    /** What the connection waited for, where somebody has to repair it: TLS_HANDSHAKE. */
    code: OptionalText,
    /** The server as "host:port", where one is concerned. */
    node: Node,
    /** Whether it may have been executed all the same. Look at it before you repeat a write. */
    mayHaveExecuted: Schema.Boolean
  },
  unavailable
) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    const what = {
      connect: "not connected",
      queue: "no connection or place in flight became free",
      command: "no reply",
      lookup: "the shared lookup did not end"
    }[this.phase]
    const why = this.code === undefined ? "" : ` (${this.code})`
    return `${this.operation}: ${what}${at(this.node)} within ${this.timeout} ms${why}${unknownOutcome(this.mayHaveExecuted)}`
  }
}

/**
 * The server answered with an error. `code` is the reply's first word: WRONGTYPE, OOM, READONLY, NOPERM, OVERFLOW …
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("user:1", "Ada")
 *   const error = yield* Effect.flip(cache.list("user:1").pushRight("Grace"))
 *   if (error._tag === "CacheServerError") console.log(error.code)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => WRONGTYPE
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheServerError extends Schema.TaggedError<CacheServerError>("effect-vcache/CacheServerError")(
  "CacheServerError",
  {
    /** The name of the operation that failed, or of the layer. */
    operation: Schema.String,
    /** The first word of the server's reply: WRONGTYPE, OOM, READONLY, NOPERM … */
    code: Schema.String,
    /** The server's reply. */
    reply: Schema.String,
    /** The server as "host:port", where one is concerned. */
    node: Node,
    /** Whether it may have been executed all the same. Look at it before you repeat a write. */
    mayHaveExecuted: Schema.Boolean
  }
) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    return `${this.operation}${at(this.node)}: ${this.reply}${unknownOutcome(this.mayHaveExecuted)}`
  }
}

/**
 * A value could not be encoded for storage or decoded from it. The reason names paths and types, never the value.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.set("age", "twelve")
 *   const error = yield* Effect.flip(cache.withSchema(Schema.Int).get("age"))
 *   if (error._tag === "CacheCodecError") console.log(error.direction, error.key)
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => decode age
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheCodecError extends Schema.TaggedError<CacheCodecError>("effect-vcache/CacheCodecError")(
  "CacheCodecError",
  {
    /** The name of the operation that failed, or of the layer. */
    operation: Schema.String,
    /** Whether the value was to be stored (`encode`) or had been read (`decode`). */
    direction: Schema.Literals(["encode", "decode"]),
    /** The user key, where one key is concerned. */
    key: OptionalText,
    /** Why: it names paths and types, never the value. */
    cause: Schema.optionalKey(ForeignError)
  }
) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    const key = this.key === undefined ? "" : ` of ${JSON.stringify(this.key)}`
    return `${this.operation}: cannot ${this.direction} the value${key}: ${this.cause?.message ?? "unknown reason"}`
  }
}

/**
 * The operation needs an existing key and there is none (incr, decr, rename, incrVersion …).
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const visits = CacheService.use((cache) =>
 *   cache.incr("visits").pipe(Effect.catchTag("CacheMissError", () => Effect.succeed(0)))
 * )
 * console.log(Effect.runSync(Effect.provide(visits, CacheMemory)))
 * // => 0
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheMissError extends Schema.TaggedError<CacheMissError>("effect-vcache/CacheMissError")(
  "CacheMissError",
  {
    /** The name of the operation that failed, or of the layer. */ operation: Schema.String,
    /** The user key that is not there. */ key: Schema.String
  }
) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    return `${this.operation}: there is no key ${JSON.stringify(this.key)}`
  }
}

/**
 * The arguments or settings are wrong. Nothing was sent.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const refused = Effect.flip(CacheService.use((cache) => cache.get("")))
 * console.log(Effect.runSync(Effect.provide(refused, CacheMemory)).message)
 * // => get: a key must not be empty
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheInputError extends Schema.TaggedError<CacheInputError>("effect-vcache/CacheInputError")(
  "CacheInputError",
  {
    /** The name of the operation that failed, or of the layer. */ operation: Schema.String,
    /** What is wrong, in words. */ reason: Schema.String
  }
) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    return `${this.operation}: ${this.reason}`
  }
}

/**
 * The topology or store cannot do it (a Lua text without a twin in the memory store, for instance).
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const refused = Effect.flip(CacheService.use((cache) => cache.lock("report").withLock(Effect.void)))
 * const error = Effect.runSync(Effect.provide(refused, CacheMemory.layer({ enabled: false })))
 * console.log(error._tag)
 * // => CacheUnsupportedError
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export class CacheUnsupportedError extends Schema.TaggedError<CacheUnsupportedError>(
  "effect-vcache/CacheUnsupportedError"
)("CacheUnsupportedError", {
  /** The name of the operation that failed, or of the layer. */ operation: Schema.String,
  /** What the client is connected to. */ topology: Topology,
  /** Why it is not possible there, in words. */ reason: Schema.String
}) {
  /** The failure in one sentence, without values. */
  override get message(): string {
    return `${this.operation}: not possible in the ${this.topology} topology: ${this.reason}`
  }
}

/**
 * The schema of all failures of the cache, for `HttpApi` and `Rpc`.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { CacheError, CacheMissError } from "effect-vcache"
 *
 * const encode = Schema.encodeSync(Schema.toCodecJson(CacheError))
 * console.log(encode(new CacheMissError({ operation: "incr", key: "visits" })))
 * // => { _tag: 'CacheMissError', operation: 'incr', key: 'visits' }
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const CacheError = Schema.Union([
  CacheConnectionError,
  CacheTimeoutError,
  CacheServerError,
  CacheCodecError,
  CacheMissError,
  CacheInputError,
  CacheUnsupportedError
])
// Spelt out, so that editors show its name.
export type CacheError = CommandError | CacheCodecError | CacheMissError

/**
 * What every operation can fail with, because it is made of commands.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export type CommandError =
  | CacheConnectionError
  | CacheTimeoutError
  | CacheServerError
  | CacheInputError
  | CacheUnsupportedError

/**
 * What an operation can fail with that encodes or decodes values.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export type ValueError = CommandError | CacheCodecError

/**
 * What an operation can fail with that needs a key to exist.
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export type ExistingKeyError = CommandError | CacheMissError

const isAny = Schema.is(CacheError)

/**
 * Returns whether a failure is the cache's, and not one of the program or of a lookup.
 *
 * @example
 * ```ts
 * import { CacheMemory, isCacheError, makeClient } from "effect-vcache"
 *
 * const cache = makeClient(CacheMemory)
 * try {
 *   await cache.get("")
 * } catch (error) {
 *   console.log(isCacheError(error) ? error._tag : "another error")
 * }
 * await cache.close()
 * // => CacheInputError
 * ```
 *
 * @since 0.2.0
 * @category errors
 * @see docs/errors.md
 */
export const isCacheError = (error: unknown): error is CacheError => error instanceof Error && isAny(error)
