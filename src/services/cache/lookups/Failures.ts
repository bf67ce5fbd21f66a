/** Failures of lookups as they are stored: by their own schema, in the format of the cache. */
import { Effect, Exit, Option, Schema } from "effect"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import { usableFormat } from "../../../schema/CacheOptions.ts"
import { refused } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import { noteLookupError } from "../../../schema/lookupErrors.ts"
import { failureCodec, schemaRefusal } from "../../../schema/SchemaCodec.ts"
import type { TagStamp } from "../../../schema/TagStamp.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { CodecError, EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import type { CacheFailures } from "../../operations/CacheFailures.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Found } from "../kernel/entry.ts"
import { type CacheMetrics, count } from "../kernel/metrics.ts"

type ErrorSchema<F> = CacheFailures<F>["errors"]

/** Those that one schema accepts. */
export class Failures<F> {
  readonly #accepts: (error: unknown) => error is F
  readonly #codec: ValueCodec<F>

  constructor(errors: ErrorSchema<F>, codec: ValueCodec<F>) {
    this.#accepts = Schema.is(errors)
    this.#codec = codec
  }

  accepts(error: unknown): error is F {
    return this.#accepts(error)
  }

  encode(entry: EntryName, error: F, stamp: TagStamp | undefined): Effect.Effect<Stored, CodecError> {
    return this.#codec.encode(entry, error, undefined, stamp)
  }

  decode(
    entry: EntryName,
    { header, stored }: Pick<Found<unknown>, "header" | "stored">
  ): Effect.Effect<F, CodecError> {
    return this.#codec.decode(entry, stored, header)
  }
}

/** What a failure says that is stored; undefined where the call is not told of it. */
export const failureIn = <F>(
  metrics: Pick<CacheMetrics, "undecodable">,
  entry: EntryName,
  found: Found<unknown> | undefined,
  failures: Failures<F> | undefined
): Effect.Effect<Option.Option<{ readonly error: F }>> | undefined => {
  if (found?.isFailure !== true || failures === undefined) return undefined
  return Effect.matchEffect(failures.decode(entry, found), {
    onSuccess: (error) => {
      noteLookupError(error)
      return Exit.succeed(Option.some({ error }))
    },
    onFailure: () => Effect.as(count(metrics.undecodable), Option.none())
  })
}

/** What the options of a call say of failures; undefined where none is stored. */
export type FailuresOf = <F>(
  operation: string,
  given: CacheFailures<F> | undefined
) => Exit.Exit<Failures<F> | undefined, CacheInputError>

const none = Exit.succeed(undefined)

/** Codecs are compiled once for each schema. */
export const failuresOf = <A, RD, RE>({ options }: Pick<CacheContext<A, RD, RE>, "options">): FailuresOf => {
  const known = new WeakMap<object, unknown>()
  return <F>(operation: string, given: CacheFailures<F> | undefined) => {
    if (given === undefined) return none
    const { errors, timeToLive } = given
    if (toMillis(timeToLive) === undefined) return refused(operation, "cacheFailures.timeToLive is not a duration")
    // The map holds for each schema the failures that were made of it.
    const made = known.get(errors) as Failures<F> | undefined
    if (made !== undefined) return Exit.succeed(made)
    const reason = schemaRefusal(errors, options)
    if (reason !== undefined) return refused(operation, `cacheFailures: ${reason}`)
    const failures = new Failures<F>(errors, failureCodec(errors, usableFormat(options)))
    known.set(errors, failures)
    return Exit.succeed(failures)
  }
}
