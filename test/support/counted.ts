import { Effect, Metric } from "effect"

/** What the counters of that name, and with these attributes, have counted together. */
export const counted = (name: string, attributes: Readonly<Record<string, string>> = {}) =>
  Effect.map(Metric.snapshot, (metrics) => {
    const found = metrics.filter(
      ({ attributes: own, id }) =>
        id === name && Object.entries(attributes).every(([key, value]) => own?.[key] === value)
    )
    return found.reduce((sum, { state }) => sum + Number("count" in state ? state.count : 0), 0)
  })
