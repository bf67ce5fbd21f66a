/** Several streams at once: their entries, over one connection. */
import type { Duration, Effect, Stream } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import type { StreamEntry } from "./CacheStream.ts"

/** An entry, and the stream that it is of. */
export interface KeyedStreamEntry<A> extends StreamEntry<A> {
  /** The key of the stream, as it was given. */
  readonly key: string
}

/** By keys of streams: the id after which each is read. `"$"` = what comes from now on, `"0"` = all there is. */
export type StreamPlaces = Readonly<Record<string, string>>

/** The options of `streams.follow`. */
export interface StreamsFollowOptions {
  /** Default, for each stream that it does not name: `"$"`. */
  readonly after?: StreamPlaces | undefined
  /** Entries of each stream at a time. Default 100. */
  readonly count?: number | undefined
}

/** The options of `streams.read`. */
export interface StreamsReadOptions extends StreamsFollowOptions {
  /** Waits so long where there is nothing to read yet, `"Infinity"` = for ever, on a dedicated connection. Default: not at all. */
  readonly timeout?: Duration.Input | undefined
}

/** Streams that are read together. In a cluster all of them need one slot: give their keys the same hash tag. */
export interface CacheStreams<A, RD = never> {
  /**
   * Entries of all the streams after `after`, then those that come, until interrupted. The entries of one stream come in order; there is
   * no order between streams. It fails if it cannot begin; then it goes on over lost connections, and leaves out and repeats nothing. It
   * holds one dedicated connection while it waits.
   */
  readonly follow: (options?: StreamsFollowOptions) => Stream.Stream<KeyedStreamEntry<A>, ValueError, RD>
  /**
   * One read: up to `count` entries of each stream after `after`. Where there are none it waits for `timeout`, and gives none if nothing
   * comes. `next` is the `after` with which the next read goes on: between two reads nothing is left out. Waiting goes on over lost
   * connections, and interruption loses nothing, because reading takes nothing.
   */
  readonly read: (
    options?: StreamsReadOptions
  ) => Effect.Effect<
    { readonly entries: ReadonlyArray<KeyedStreamEntry<A>>; readonly next: StreamPlaces },
    ValueError,
    RD
  >
}
