/** The operations of several streams at once. */
import { Effect } from "effect"
import type { CacheStreams, KeyedStreamEntry, StreamPlaces } from "../../operations/structures/CacheStreams.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { CacheContext } from "../kernel/context.ts"
import { overKeys } from "./severalKeys.ts"
import { followAll, readAll } from "./streamReads.ts"

export const makeStreams = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  keys: ReadonlyArray<string>,
  keyOptions: KeyOptions = {}
): CacheStreams<A, RD> => ({
  follow: ({ after = {}, count = 100 } = {}) =>
    followAll(context, "streams.follow", keys, keyOptions, { after, count }),
  read: ({ after = {}, count = 100, timeout = 0 } = {}) => {
    const neutral: { readonly entries: ReadonlyArray<KeyedStreamEntry<A>>; readonly next: StreamPlaces } = {
      entries: [],
      next: after
    }
    return overKeys(context, "streams.read", keys, keyOptions, neutral, (sources) =>
      Effect.map(readAll(context, "streams.read", sources, { after, count, timeout }), ({ entries, next }) => ({
        entries,
        next: Object.fromEntries(next)
      }))
    )
  }
})
