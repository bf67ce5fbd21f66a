/** Callers who wait for the lookup of another. */
import { Effect } from "effect"
import { counted } from "./counted.ts"
import { until } from "./until.ts"

/** Returns a function that waits until that many more callers share a lookup. */
export const joining = Effect.gen(function* () {
  const shared = counted("effect_vcache_lookups_shared_total")
  const before = yield* shared
  return (callers: number) =>
    until(`${callers} callers who share a lookup`, shared, (count) => count >= before + callers, { every: 1 })
})
