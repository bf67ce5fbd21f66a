/** By whom work is observed, and what time it is there. */
import { Clock, Console, Context, Effect, Logger, Metric, Random, References, Scope, Tracer } from "effect"
import { CurrentFlight } from "./FlightTable.ts"

/**
 * What a lookup with services of its own takes from its caller: clock, chance, loggers, tracer, metrics and annotations.
 * Everything else of the caller, such as a transaction, may end before the lookup does.
 */
const observersIn: (caller: Context.Context<never>) => Context.Context<never> = Context.pick(
  Clock.Clock,
  Console.Console,
  CurrentFlight,
  Logger.CurrentLoggers,
  Logger.LogToStderr,
  Metric.CurrentMetricAttributes,
  Metric.MetricRegistry,
  Random.Random,
  References.CurrentLogAnnotations,
  References.CurrentLogLevel,
  References.CurrentLogSpans,
  References.CurrentTraceLevel,
  References.DisablePropagation,
  References.MinimumLogLevel,
  References.MinimumTraceLevel,
  References.Scheduler,
  References.TracerEnabled,
  References.TracerSpanAnnotations,
  References.TracerSpanLinks,
  References.TracerTimingEnabled,
  References.UnhandledLogLevel,
  Tracer.ParentSpan,
  Tracer.Tracer
)

/** Gives a lookup the services of a layer. Of its caller it sees only by whom it is observed, and the scope that it is given. */
export const withServices =
  <N>(services: Context.Context<N>) =>
  <A, E, R extends N | Scope.Scope>(lookup: Effect.Effect<A, E, R>): Effect.Effect<A, E, Scope.Scope> =>
    Effect.updateContext(lookup, (caller: Context.Context<Scope.Scope>) =>
      Context.mergeAll(services, observersIn(caller), Context.pick(Scope.Scope)(caller))
    )
