/** Prometheus itself evaluates each panel of the dashboard and each alert on the data of a running program. */
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Metric, References } from "effect"
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
import { listen } from "./support/listen.ts"
import { promtool, startPrometheus } from "./support/Prometheus.ts"
import { sharedInFile } from "./support/sharedInFile.ts"
import { until } from "./support/until.ts"
import { startServer } from "./support/ValkeyServer.ts"
import { startWebApplication } from "./support/webApplication.ts"

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

/** Returns an expression as Grafana sends it to Prometheus. */
const asAsked = (expression: string): string =>
  expression.replaceAll("$__rate_interval", "1m").replaceAll("$cache", ".*")

/** The metrics and labels that an expression names. Throws if it is not PromQL. */
const usedBy = (expression: string): Use => {
  const text = asAsked(expression)
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

/** A program that uses every metric: on a server with a near cache, in memory, and at an address where nobody listens. Each request for its metrics runs one more round. */
const program = Effect.gen(function* () {
  const { url } = yield* startServer()
  const policies = [
    Breaker.policy({ failures: 1 }),
    Metrics.policy({ openTelemetry: true }),
    IgnoreExceptions.policy({ log: false })
  ]
  const pages = CacheLive.layer({ name: "pages", prefix: "pages", policies, near: {} }).pipe(
    Layer.provide(ValkeyStandalone.layer({ url }))
  )
  const lost = layerFor(Kept, { policies }).pipe(Layer.provide(ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" })))
  const context = yield* Layer.build(Layer.mergeAll(pages, lost, Layer.fresh(ValkeyMemory.layer())))
  const cache = Context.get(context, CacheService)
  const round = Effect.gen(function* () {
    yield* cache.set("a", 1)
    yield* cache.get("a")
    yield* cache.get("none")
    yield* cache.delete("b")
    yield* cache.getOrSet("b", Effect.succeed(1), { timeToLive: 1, staleFor: "1 minute" })
    yield* Effect.sleep("5 millis")
    yield* cache.getOrSet("b", Effect.succeed(2), { staleFor: "1 minute" })
    yield* Effect.flip(cache.getOrSet("c", Effect.fail("no")))
    // Two share a lookup, whose value nobody can store.
    const slow = cache.getOrSet(
      "d",
      Effect.as(Effect.sleep("5 millis"), () => 1)
    )
    yield* Effect.all([slow, slow], { concurrency: 2 })
    yield* cache.getOrSet("e", Effect.as(cache.set("e", 2), 1))
    yield* cache.delete("e")
    yield* cache.client.send("SET", [cache.makeKey("f"), "\u0001broken"])
    yield* cache.getOrSet("f", Effect.succeed(1))
    yield* Effect.flip(cache.incr("none"))
    yield* Context.get(context, Kept).get("a")
  })
  return Effect.andThen(round, PrometheusMetrics.format())
})

/** The text that Prometheus is shown, and where it is shown. */
const running = sharedInFile(
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const text = Effect.provideContext(yield* program, context)
    const server = createServer((_, response) => {
      Effect.runPromise(text).then(
        (text) => response.setHeader("content-type", "text/plain; version=0.0.4").end(text),
        (error: unknown) => response.writeHead(500).end(String(error))
      )
    })
    const target = `127.0.0.1:${yield* listen(server, new Set())}`
    // A near cache publishes its counts from time to time.
    yield* until("near hits", text, (text) => text.includes("effect_vcache_near_hits_total"))
    return { text, target }
  }).pipe(
    Effect.orDie,
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "None")
  )
)

const text = await Effect.runPromise(Effect.flatMap(running, ({ text }) => text))
const shown = shownIn(text)

/** It scrapes that program and the example application. */
const prometheus = sharedInFile(
  Effect.gen(function* () {
    const { target } = yield* running
    const { at } = yield* startWebApplication()
    return yield* startPrometheus([target, new URL(at).host], join(folder, "alerts.yml"))
  })
)

/** Returns the side of a rule that is compared with its bound. */
const withoutBound = (rule: string): string => rule.replace(/ [<>] [\d.]+$/, "")

/** Every metric that the text shows, with its kind. */
const kindsIn = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", kind = ""]) => [name, kind]))

describe("metrics", () => {
  it("say of which cache and topology they are, each counter and each histogram", () => {
    const ofCaches = [...kindsIn(text)].filter(([, kind]) => kind !== "gauge")
    for (const [name, kind] of ofCaches) {
      const labels = shown.get(kind === "histogram" ? `${name}_bucket` : name)
      assert.isTrue(labels?.has("cache") === true && labels.has("topology"), name)
      assert.isFalse(labels?.has("key"), name)
    }
    assert.includeMembers(
      ofCaches.map(([name]) => name),
      [
        "db_client_operation_duration",
        "effect_vcache_operation_duration_seconds",
        ...[
          "hits",
          "misses",
          "stores",
          "errors",
          "ignored_errors",
          "lookups",
          "lookup_failures",
          "lookups_shared",
          "lookups_discarded",
          "refreshes",
          "stale_served",
          "store_failures",
          "undecodable",
          "unstorable",
          "near_hits",
          "near_misses",
          "near_invalidations"
        ].map((name) => `effect_vcache_${name}_total`)
      ]
    )
  })

  it("show what is held and under way", () => {
    const gauges: Readonly<Record<string, ReadonlyArray<string>>> = {
      memory_entries: [],
      memory_bytes: [],
      near_entries: ["cache", "topology"],
      near_bytes: ["cache", "topology"],
      near_proof_age_seconds: ["cache", "topology"],
      near_live: ["cache", "topology"],
      near_whole: ["cache", "topology"],
      leases_held: ["cache", "topology"],
      lookups_running: ["cache", "topology"],
      commands_in_flight: ["topology"],
      commands_waiting: ["topology"],
      servers_up: ["topology"],
      servers_connecting: ["topology"],
      servers_down: ["topology"],
      dedicated_connections: ["topology", "state"],
      breakers_open: []
    }
    for (const [name, labels] of Object.entries(gauges)) {
      assert.sameMembers([...(shown.get(`effect_vcache_${name}`) ?? [])], [...labels], name)
    }
    assert.sameMembers(
      [...kindsIn(text)].flatMap(([name, kind]) => (kind === "gauge" ? [name.replace("effect_vcache_", "")] : [])),
      Object.keys(gauges)
    )
  })
})

describe("dashboards", () => {
  it("has expressions", () => {
    assert.isAbove(panels.length, 30)
    assert.isAbove(alerts.length, 7)
  })

  for (const expression of new Set([...panels, ...alerts])) {
    it.live(expression, () =>
      Effect.gen(function* () {
        const { labels, metrics } = usedBy(expression)
        assert.isAbove(metrics.length, 0)
        for (const metric of metrics) {
          const known = shown.get(metric)
          assert.isDefined(known, `nobody shows ${metric}`)
          for (const label of labels)
            if (label !== "le") assert.isTrue(known?.has(label), `${metric} has no label ${label}`)
        }
        const { valuesOf } = yield* prometheus
        yield* until("data", valuesOf(asAsked(withoutBound(expression))), (values) =>
          values.some((value) => !Number.isNaN(value))
        )
        yield* valuesOf(asAsked(expression))
      })
    )
  }

  it.live("has rules that Prometheus takes and evaluates", () =>
    Effect.gen(function* () {
      assert.include(yield* promtool("check", "rules", join(folder, "alerts.yml")), `${alerts.length} rules found`)
      const evaluated = yield* until("all rules to be evaluated", (yield* prometheus).rules, (rules) =>
        rules.every(({ health }) => health !== "unknown")
      )
      assert.deepStrictEqual(
        evaluated.filter(({ health }) => health !== "ok"),
        []
      )
      assert.strictEqual(evaluated.length, alerts.length)
    })
  )

  it.live("has rules that raise an alarm where they should, and only there", () =>
    promtool("test", "rules", join(folder, "alerts.test.yml"))
  )

  it("finds what is wrong", () => {
    assert.throws(() => usedBy("sum(rate(x[1m])"))
    assert.deepStrictEqual(usedBy('sum by (a) (rate(x{b=~"$cache"}[$__rate_interval]))'), {
      metrics: ["x"],
      labels: ["a", "b"]
    })
    assert.isUndefined(shown.get("effect_vcache_nothing_total"))
  })
})
