/** The operations that compute what is not cached. */
import type { CacheLookups } from "../../operations/CacheLookups.ts"
import type { CacheContext } from "../kernel/context.ts"
import { makeGetOrSet } from "./getOrSet.ts"
import { makeGetOrSetMany } from "./getOrSetMany.ts"
import { makeRefresh } from "./refresh.ts"

export const lookupOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheLookups<A, RD, RE> => ({
  getOrSet: makeGetOrSet(context),
  getOrSetMany: makeGetOrSetMany(context),
  refresh: makeRefresh(context)
})
