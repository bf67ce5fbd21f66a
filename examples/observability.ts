/** Metrics in Prometheus' format, and spans. `npm run example examples/observability.ts` */
import { Effect, Layer, Tracer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { CacheLive, CacheService, Metrics, Tracing, ValkeyUrl } from "effect-vcache"

/** Prints what a collector would get; a program would use `Otlp.layer` instead. */
const printing = Tracer.make({
  span: (options) => {
    const span = new Tracer.NativeSpan(options)
    const end = span.end.bind(span)
    span.end = (time, exit) => {
      end(time, exit)
      // Which database and which server it was differs each time.
      const shown = [...span.attributes].filter(([name]) => !/^(server|network|db.namespace)/.test(name))
      console.log(`span ${span.name}`, Object.fromEntries(shown))
    }
    return span
  }
})

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "observed" })
  yield* cache.set("a", 1)
  yield* cache.getMany(["a", "b"])
  yield* cache.getOrSet("c", Effect.succeed(3))
  yield* Effect.ignore(cache.incr("missing"))

  const text = yield* PrometheusMetrics.format()
  const shown = /^effect_vcache_(hits|misses|stores|lookups_total|errors|operation_duration_seconds_count)/
  console.log(
    text
      .split("\n")
      .filter((line) => shown.test(line) && line.includes('cache="observed"'))
      .toSorted()
      .map((line) => line.replace(/topology="\w+"/, 'topology="…"'))
      .join("\n")
  )
  yield* cache.clear
})

const cache = CacheLive.layer({ name: "observed" }).pipe(
  Layer.provide(Metrics.layer()),
  Layer.provide(Tracing.layer()),
  Layer.provide(ValkeyUrl.layerConfig())
)
await Effect.runPromise(Effect.withTracer(Effect.provide(program, cache), printing))

// Prints:
// span cache.set { 'db.system.name': 'valkey', 'db.operation.name': 'set' }
// span cache.getMany {
//   'db.system.name': 'valkey',
//   'db.operation.name': 'getMany',
//   'cache.hits': 1,
//   'cache.misses': 1
// }
// span cache.getOrSet {
//   'db.system.name': 'valkey',
//   'db.operation.name': 'getOrSet',
//   'cache.hit': false,
//   'cache.stale': false
// }
// span cache.getOrSet.lookup {}
// span cache.getOrSet.store { 'db.system.name': 'valkey', 'db.operation.name': 'getOrSet.store' }
// span cache.incr {
//   'db.system.name': 'valkey',
//   'db.operation.name': 'incr',
//   'error.type': 'CacheMissError'
// }
// effect_vcache_errors_total{cache="observed",topology="…",operation="incr",error="CacheMissError"} 1
// effect_vcache_hits_total{cache="observed",topology="…"} 1
// effect_vcache_lookups_total{cache="observed",topology="…"} 1
// effect_vcache_misses_total{cache="observed",topology="…"} 2
// effect_vcache_operation_duration_seconds_count{cache="observed",topology="…",operation="getMany"} 1
// effect_vcache_operation_duration_seconds_count{cache="observed",topology="…",operation="getOrSet"} 1
// effect_vcache_operation_duration_seconds_count{cache="observed",topology="…",operation="getOrSet.store"} 1
// effect_vcache_operation_duration_seconds_count{cache="observed",topology="…",operation="incr"} 1
// effect_vcache_operation_duration_seconds_count{cache="observed",topology="…",operation="set"} 1
// effect_vcache_stores_total{cache="observed",topology="…"} 2
// span cache.clear { 'db.system.name': 'valkey', 'db.operation.name': 'clear' }
