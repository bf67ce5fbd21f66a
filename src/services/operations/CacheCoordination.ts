/** Coordination among processes. */
import type { CacheLock, LockOptions } from "./CacheLock.ts"
import type { CacheSemaphore, SemaphoreOptions } from "./CacheSemaphore.ts"

export interface CacheCoordination {
  readonly lock: (key: string, options?: LockOptions) => CacheLock
  readonly semaphore: (key: string, options: SemaphoreOptions) => CacheSemaphore
}
