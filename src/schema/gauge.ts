/** Figures that are shown where somebody asks for metrics. */
import { Context, Effect, Metric, type Scope } from "effect"

/** What contributes to one series, and how it is taken off the registry. */
interface Series {
  /** Each reader, and how often it was given: it counts once. */
  readonly readers: Map<() => number, number>
  readonly remove: () => void
}

/** A registry knows one source of each series, and two clients or stores may have the same labels: then their sum is shown. */
const shown = new WeakMap<object, Map<string, Series>>()

/** A gauge that is read when somebody asks for the metrics, and costs nothing until then. It is gone with the scope. */
export const gaugeOf = (
  name: string,
  description: string,
  attributes: Readonly<Record<string, string>>,
  read: () => number
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          const all = seriesIn(context)
          const key = JSON.stringify([name, attributes, Context.get(context, Metric.CurrentMetricAttributes)])
          const series = all.get(key) ?? open(context, name, description, attributes)
          all.set(key, series)
          const { readers } = series
          readers.set(read, (readers.get(read) ?? 0) + 1)
          return () => {
            const left = (readers.get(read) ?? 0) - 1
            if (left > 0) readers.set(read, left)
            else readers.delete(read)
            if (readers.size > 0) return
            all.delete(key)
            series.remove()
          }
        }),
        (remove) => Effect.sync(remove)
      )
    )
  )

const seriesIn = (context: Context.Context<never>): Map<string, Series> => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const known = shown.get(registry) ?? new Map<string, Series>()
  shown.set(registry, known)
  return known
}

const open = (
  context: Context.Context<never>,
  name: string,
  description: string,
  attributes: Readonly<Record<string, string>>
): Series => {
  const readers = new Map<() => number, number>()
  const registration = Metric.registerUnsafe(
    Metric.gauge(`effect_vcache_${name}`, { description, attributes }),
    context,
    {
      get: () => ({ value: [...readers.keys()].reduce((sum, read) => sum + read(), 0) }),
      update: () => {},
      modify: () => {}
    }
  )
  return { readers, remove: () => registration.remove() }
}
