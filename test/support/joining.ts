/** Callers who wait for the lookup of another. */
import { Effect, Metric } from "effect"
import { until } from "./until.ts"

/** Returns a function that waits until that many more callers share a lookup. */
export const joining = Effect.gen(function* () {
  const shared = Effect.map(Metric.snapshot, (all) =>
    all.reduce(
      (sum, { id, state }) =>
        id === "effect_vcache_lookups_shared_total" && "count" in state ? sum + Number(state.count) : sum,
      0
    )
  )
  const before = yield* shared
  return (callers: number) =>
    until(`${callers} callers who share a lookup`, shared, (count) => count >= before + callers, { every: 1 })
})
