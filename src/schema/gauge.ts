/** Figures that are shown where somebody asks for metrics. */
import { Effect, Metric, type Scope } from "effect"

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
        Effect.sync(() =>
          Metric.registerUnsafe(Metric.gauge(`effect_vcache_${name}`, { description, attributes }), context, {
            get: () => ({ value: read() }),
            update: () => {},
            modify: () => {}
          })
        ),
        (registration) => Effect.sync(() => registration.remove())
      )
    )
  )
