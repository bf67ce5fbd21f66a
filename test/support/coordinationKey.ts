/** The keys of locks and semaphores on the server, for tests that take them away. */
import { Effect } from "effect"
import type { TypedCache } from "effect-vcache"
import type { ReservedKind } from "../../src/schema/reservedKeys.ts"
import { coordinationKeys } from "../../src/services/cache/coordination/coordinationKeys.ts"

export const coordinationKey = (cache: TypedCache<unknown>, key: string, kind: ReservedKind): string =>
  Effect.runSync(coordinationKeys("test", cache.makeKey(key)))(kind)
