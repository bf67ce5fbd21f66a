/** The operations that coordinate processes. */
import type { CacheCoordination } from "../../operations/CacheCoordination.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Coordination } from "./Coordination.ts"
import { makeLock } from "./lock.ts"
import { makeSemaphore } from "./semaphore.ts"

export const coordinationOperations = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  shared: Coordination
): CacheCoordination => ({
  lock: (key, options) => makeLock(context, shared, key, options),
  semaphore: (key, options) => makeSemaphore(context, shared, key, options)
})
