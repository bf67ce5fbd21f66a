/** The structures under one key. */
import type { CacheStructures } from "../../operations/CacheStructures.ts"
import type { CacheContext } from "../kernel/context.ts"
import { makeHash } from "./hash.ts"
import { makeList } from "./list.ts"
import { makeLists } from "./lists.ts"
import { makeSet } from "./set.ts"
import { makeSortedSet } from "./sortedSet.ts"
import { makeStream } from "./stream.ts"
import { makeStreams } from "./streams.ts"

export const structureOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheStructures<A, RD, RE> => ({
  hash: (key, options) => makeHash(context, key, options),
  list: (key, options) => makeList(context, key, options),
  lists: (keys, options) => makeLists(context, keys, options),
  unorderedSet: (key, options) => makeSet(context, key, options),
  sortedSet: (key, options) => makeSortedSet(context, key, options),
  stream: (key, options) => makeStream(context, key, options),
  streams: (keys, options) => makeStreams(context, keys, options)
})
