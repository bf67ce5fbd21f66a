/** Each panel of the dashboard and each alert names metrics and labels that a running program shows. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { parser } from "@prometheus-io/lezer-promql"
import {
  Breaker,
  CacheLive,
  CacheService,
  IgnoreExceptions,
  layerFor,
  Metrics,
  type TypedCache,
  ValkeyMemory,
  ValkeyStandalone
} from "effect-vcache"
import { until } from "./support/until.ts"
import { startServer } from "./support/ValkeyServer.ts"

const folder = join(import.meta.dirname, "../dashboards")
const dashboard: unknown = JSON.parse(readFileSync(join(folder, "grafana.json"), "utf8"))
const rules = readFileSync(join(folder, "alerts.yml"), "utf8")

/** Every `expr` below a value, wherever it stands. */
const expressionsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, part]) =>
    name === "expr" && typeof part === "string" ? [part] : expressionsIn(part)
  )
}

const panels = expressionsIn(dashboard)
const alerts = [...rules.matchAll(/^ +expr: (.+)$/gm)].map(([, expression = ""]) => expression)

interface Use {
  readonly metrics: ReadonlyArray<string>
  readonly labels: ReadonlyArray<string>
}

/** The metrics and labels that an expression names. Throws where it is none. */
const usedBy = (expression: string): Use => {
  // What Grafana puts in its place before Prometheus sees it.
  const text = expression.replaceAll("$__rate_interval", "1m").replaceAll("$cache", ".*")
  const metrics: Array<string> = []
  const labels: Array<string> = []
  parser.parse(text).iterate({
    enter: ({ from, name, to, type }) => {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`)
      if (name === "Identifier") metrics.push(text.slice(from, to))
      if (name === "LabelName") labels.push(text.slice(from, to))
    }
  })
  return { metrics, labels }
}

/** The series that a text of Prometheus shows: the labels of each name. */
const shownIn = (text: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const shown = new Map<string, Set<string>>()
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z_]+)(?:\{(.*?)\})? /gm)) {
    const names = shown.get(name) ?? new Set<string>()
    for (const [, label = ""] of labels.matchAll(/([a-z_]+)="/g)) names.add(label)
    shown.set(name, names)
  }
  return shown
}

class Kept extends Context.Service<Kept, TypedCache<unknown>>()("test/Kept") {}

/** A program that has used everything: on a server with a near cache, in memory, and where nobody listens. */
const metrics = Effect.gen(function* () {
  const { url } = yield* startServer()
  const policies = [Breaker.policy({ failures: 1 }), Metrics.policy(), IgnoreExceptions.policy({ log: false })]
  const pages = CacheLive.layer({ name: "pages", prefix: "pages", policies, near: {} }).pipe(
    Layer.provide(ValkeyStandalone.layer({ url }))
  )
  const lost = layerFor(Kept, { policies }).pipe(Layer.provide(ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" })))
  const context = yield* Layer.build(Layer.mergeAll(pages, lost, Layer.fresh(ValkeyMemory.layer())))
  const cache = Context.get(context, CacheService)
  yield* cache.set("a", 1)
  yield* cache.get("a")
  yield* cache.get("none")
  yield* cache.getOrSet("b", Effect.succeed(1), { timeToLive: 1, staleFor: "1 minute" })
  yield* Effect.sleep("5 millis")
  yield* cache.getOrSet("b", Effect.succeed(2), { staleFor: "1 minute" })
  yield* Effect.flip(cache.getOrSet("c", Effect.fail("no")))
  yield* Effect.flip(cache.incr("none"))
  for (let i = 0; i < 3; i++) yield* Context.get(context, Kept).get("a")
  // A near cache tells its counts once in a while.
  return yield* until("near hits", Effect.andThen(cache.get("a"), PrometheusMetrics.format()), (text) =>
    text.includes("effect_vcache_near_hits_total")
  )
}).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map()))

const shown = shownIn(await Effect.runPromise(metrics))

/** Counted only when something seldom happens; each has its own test in test/lookups. */
const seldom: ReadonlySet<string> = new Set(
  ["lookups_shared", "store_failures", "lookups_discarded", "undecodable", "unstorable"].map(
    (name) => `effect_vcache_${name}_total`
  )
)

describe("dashboards", () => {
  it("has expressions", () => {
    assert.isAbove(panels.length, 30)
    assert.isAbove(alerts.length, 7)
  })

  for (const expression of new Set([...panels, ...alerts])) {
    it(expression, () => {
      const { labels, metrics } = usedBy(expression)
      assert.isAbove(metrics.length, 0)
      for (const metric of metrics) {
        if (seldom.has(metric)) continue
        const known = shown.get(metric)
        assert.isDefined(known, `nobody shows ${metric}`)
        for (const label of labels)
          if (label !== "le") assert.isTrue(known?.has(label), `${metric} has no label ${label}`)
      }
    })
  }

  it("finds what is wrong", () => {
    assert.throws(() => usedBy("sum(rate(x[1m])"))
    assert.deepStrictEqual(usedBy('sum by (a) (rate(x{b=~"$cache"}[$__rate_interval]))'), {
      metrics: ["x"],
      labels: ["a", "b"]
    })
    assert.isUndefined(shown.get("effect_vcache_nothing_total"))
  })
})
