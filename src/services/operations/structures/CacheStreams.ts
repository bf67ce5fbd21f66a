/** Several streams at once: their entries, over one connection. */
import type { Duration, Effect, Stream } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { StreamEntry } from "./StreamEntry.ts"

/**
 * An entry, and the stream that it is of.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface KeyedStreamEntry<A> extends StreamEntry<A> {
  /** The key of the stream, as it was given. */
  readonly key: string
}

/**
 * The id after which each stream is read, by the key of the stream. `"$"` = what comes from now on, `"0"` = all there is.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export type StreamPlaces = Readonly<Record<string, string>>

/**
 * The options of `streams.follow`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamsFollowOptions {
  /** Where each stream is read from. Default, for each stream that it does not name: `"$"`. */
  readonly after?: StreamPlaces | undefined
  /** How many entries of each stream are read at a time. Default: 100. */
  readonly count?: number | undefined
}

/**
 * The options of `streams.read`.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StreamsReadOptions extends StreamsFollowOptions {
  /**
   * How long to wait where there is nothing to read yet, on a dedicated connection; `"Infinity"` = for ever. Default: not at all.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Streams that are read together. In a cluster all of them need one slot: give their keys the same hash tag.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CacheMemory, CacheService } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* CacheService
 *   yield* cache.stream("orders").add({ id: 1 })
 *   yield* cache.stream("payments").add({ id: 2 })
 *   const { entries } = yield* cache.streams(["orders", "payments"]).read({ after: { orders: "0", payments: "0" } })
 *   console.log(entries.map(({ fields, key }) => `${key} ${fields.get("id")}`))
 * })
 * Effect.runSync(Effect.provide(program, CacheMemory))
 * // => [ 'orders 1', 'payments 2' ]
 * ```
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface CacheStreams<A, RD = never> {
  /**
   * Streams the entries of all the streams after `after`, then those that come, until it is interrupted. The entries of one stream
   * come in order; there is no order between streams. It fails if it cannot begin; then it goes on over lost connections, and
   * leaves out and repeats nothing. It holds one dedicated connection while it waits.
   */
  readonly follow: (options?: StreamsFollowOptions) => Stream.Stream<KeyedStreamEntry<A>, ValueError, RD>
  /**
   * Reads once: up to `count` entries of each stream after `after`. Where there are none it waits for `timeout`, and returns none
   * if nothing comes. `next` is the `after` with which the next read goes on: between two reads nothing is left out. Waiting goes
   * on over lost connections, and interruption loses nothing, because reading takes nothing.
   */
  readonly read: (
    options?: StreamsReadOptions
  ) => Effect.Effect<
    { readonly entries: ReadonlyArray<KeyedStreamEntry<A>>; readonly next: StreamPlaces },
    ValueError,
    RD
  >
}
