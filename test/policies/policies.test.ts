/** Policies: every operation passes them, once; what each of them does; in whatever order they stand. */
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import {
  Cause,
  Context,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  Option,
  References,
  Result,
  Schema,
  Scope,
  Stream
} from "effect"
import { TestClock } from "effect/testing"
import {
  Breaker,
  type CacheBatches,
  CacheConnectionError,
  type CacheCounters,
  type CacheError,
  type CommandError,
  type CacheKeySpace,
  type CacheTags,
  type CacheLifetimes,
  CacheLive,
  type CacheLookups,
  CacheMemory,
  CachePolicy,
  CacheServerError,
  CacheService,
  CacheTimeoutError,
  type CacheUpdates,
  type CacheValues,
  IgnoreExceptions,
  layerFor,
  Metrics,
  Tracing,
  SessionStatus,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyMemory
} from "effect-vcache"
import { counted } from "../support/counted.ts"
import {
  type OperationName,
  operations,
  pretendsNothing,
  sessionOperations,
  structureOperations
} from "../support/operations.ts"
import { spanRecorder } from "../support/spanRecorder.ts"

const fail = Effect.fail("mine" as const)

const down = new CacheConnectionError({
  operation: "GET",
  phase: "connect",
  code: "ECONNREFUSED",
  node: "cache.example:6379",
  mayHaveExecuted: false
})

/** A memory client whose every command can be made to fail. */
const faulty = Effect.gen(function* () {
  const memory = Context.get(yield* Layer.build(ValkeyMemory.layer()), ValkeyClient)
  const state: { failure: CommandError | undefined; sent: number } = { failure: undefined, sent: 0 }
  const broken = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CommandError, R> =>
    Effect.suspend((): Effect.Effect<A, E | CommandError, R> => {
      state.sent++
      return state.failure === undefined ? effect : Effect.fail(state.failure)
    })
  const client: ValkeyClientShape = {
    ...memory,
    send: (...args) => broken(memory.send(...args)),
    request: (name, args, use, options) => broken(memory.request(name, args, use, options)),
    pipeline: (commands) => broken(memory.pipeline(commands)),
    transaction: (commands) => broken(memory.transaction(commands)),
    eval: (...args) => broken(memory.eval(...args)),
    scan: (options) => Stream.unwrap(broken(Effect.succeed(memory.scan(options)))),
    scanBinary: (options) => Stream.unwrap(broken(Effect.succeed(memory.scanBinary(options))))
  }
  return { client, state }
})

const withPolicies = (...policies: ReadonlyArray<Layer.Layer<never>>) =>
  Effect.gen(function* () {
    const { client, state } = yield* faulty
    const live = policies.reduce<Layer.Layer<CacheService>>(
      (cache, policy) => Layer.provide(cache, policy),
      Layer.provide(Layer.fresh(CacheLive), Layer.succeed(ValkeyClient, client))
    )
    const cache = Context.get(yield* Layer.build(live), CacheService)
    return { cache, state }
  })

const custom = CachePolicy.layer

describe("every operation", () => {
  it("is enumerated by type", () => {
    expectTypeOf<OperationName>().toEqualTypeOf<
      keyof (CacheValues<unknown> &
        CacheBatches<unknown> &
        CacheUpdates<unknown> &
        CacheCounters &
        CacheLifetimes &
        Omit<CacheLookups<unknown>, "cached"> &
        CacheKeySpace &
        CacheTags)
    >()
  })

  for (const [name, { call, neutral }] of Object.entries(operations)) {
    it.effect(`${name} passes the policy exactly once, and does nothing beside it`, () =>
      Effect.gen(function* () {
        const passed: Array<string> = []
        let sentOutside = 0
        let inside = false
        const { cache, state } = yield* withPolicies(
          custom((operation, effect) =>
            Effect.suspend(() => {
              passed.push(operation.name)
              sentOutside += state.sent
              inside = true
              return Effect.onExit(effect, () =>
                Effect.sync(() => {
                  inside = false
                  state.sent = 0
                })
              )
            })
          )
        )
        yield* Effect.exit(call(cache))
        const parts = passed.filter((passedName) => passedName === name)
        // A refresh reads nothing; its one command is the store.
        assert.strictEqual(parts.length, name === "refresh" ? 0 : 1, passed.join())
        const stores = passed.filter((passedName) => passedName === `${name}.store`)
        assert.strictEqual(
          stores.length,
          ["getOrSet", "getOrSetDetailed", "getOrSetMany", "refresh"].includes(name) ? 1 : 0,
          passed.join()
        )
        assert.strictEqual(passed.length, parts.length + stores.length)
        assert.isFalse(inside)
        assert.strictEqual(sentOutside + state.sent, 0, "a command that no policy saw")
      })
    )

    it.effect(`${name} gives its neutral result when the server is down`, () =>
      Effect.gen(function* () {
        const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ log: false }))
        state.failure = down
        const outcome = yield* Effect.result(call(cache))
        assert.deepStrictEqual(outcome, neutral === pretendsNothing ? Result.fail(down) : Result.succeed(neutral))
      })
    )
  }

  it.effect(
    "a batch that ignores exceptions asks a server that is down for nothing more, and looks up for itself",
    () =>
      Effect.gen(function* () {
        const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ log: false }))
        state.failure = down
        let lookups = 0
        const gate = yield* Deferred.make<void>()
        const lookup = (keys: ReadonlyArray<string>) =>
          Effect.as(
            Effect.andThen(
              Effect.sync(() => lookups++),
              Deferred.await(gate)
            ),
            keys.map((key) => [key, 1] as const)
          )
        const cacheFailures = { errors: Schema.String, timeToLive: "1 hour" } as const
        const call = cache.getOrSetMany(["k", "l"], lookup, { tags: ["t"], cacheFailures, softTimeout: "1 second" })
        const calls = yield* Effect.forkChild(Effect.all([call, call], { concurrency: 2 }), { startImmediately: true })
        yield* Deferred.succeed(gate, undefined)
        for (const found of yield* Fiber.join(calls)) assert.deepStrictEqual([...found.values()], [1, 1])
        // Nobody knows what was invalidated between the two.
        assert.strictEqual(lookups, 2)
        assert.strictEqual(state.sent, 2, "a read each, and nothing is stored")
      })
  )

  for (const { call, name, neutral } of structureOperations) {
    it.effect(`${name} passes the policy exactly once, and gives its neutral result when the server is down`, () =>
      Effect.gen(function* () {
        const passed: Array<string> = []
        let sentOutside = 0
        const { cache, state } = yield* withPolicies(
          custom((operation, effect) =>
            Effect.suspend(() => {
              passed.push(operation.name)
              sentOutside += state.sent
              return Effect.onExit(effect, () =>
                Effect.sync(() => {
                  state.sent = 0
                })
              )
            })
          ),
          IgnoreExceptions.layer({ log: false })
        )
        yield* call(cache)
        assert.deepStrictEqual(passed, [name])
        assert.strictEqual(sentOutside + state.sent, 0, "a command that no policy saw")
        state.failure = down
        assert.deepStrictEqual(yield* call(cache), neutral)
      })
    )
  }

  for (const { call, name } of sessionOperations) {
    it.effect(`${name} passes the policy exactly once, and pretends nothing when the server is down`, () =>
      Effect.gen(function* () {
        const passed: Array<string> = []
        const { cache, state } = yield* withPolicies(
          custom((operation, effect) =>
            Effect.andThen(
              Effect.sync(() => passed.push(operation.name)),
              effect
            )
          ),
          IgnoreExceptions.layer({ log: false })
        )
        yield* call(cache)
        assert.deepStrictEqual(passed, [name])
        state.failure = down
        const outcome = yield* Effect.result(call(cache))
        if (name === "session.find") assert.deepStrictEqual(outcome, Result.succeed(SessionStatus.Unknown()))
        else assert.deepStrictEqual(outcome, Result.fail(down))
      })
    )
  }

  it.effect("queues: a pipeline passes operation by operation, a transaction as a whole", () =>
    Effect.gen(function* () {
      const passed: Array<string> = []
      const note = custom(({ name, neutral }, effect) =>
        Effect.andThen(
          Effect.sync(() => passed.push(`${name} ${neutral._tag}`)),
          effect
        )
      )
      const { cache, state } = yield* withPolicies(note, IgnoreExceptions.layer({ log: false }))
      yield* cache.pipeline((queue) => [queue.set("a", 1), queue.hash("h").get("f")])
      yield* cache.transaction((queue) => [queue.set("a", 1), queue.hash("h").get("f")])
      assert.deepStrictEqual(passed, ["set Some", "hash.get Some", "transaction None"])
      state.failure = down
      assert.deepStrictEqual(yield* cache.pipeline((queue) => [queue.set("a", 1), queue.get("a")]), [
        false,
        Option.none()
      ])
      assert.deepInclude(yield* Effect.flip(cache.transaction((queue) => [queue.set("a", 1)])), {
        _tag: "CacheConnectionError"
      })
    })
  )

  it.effect("views of a cache pass it, too", () =>
    Effect.gen(function* () {
      const passed: Array<string | undefined> = []
      const { cache } = yield* withPolicies(
        custom(({ key }, effect) =>
          Effect.andThen(
            Effect.sync(() => passed.push(key)),
            effect
          )
        )
      )
      yield* cache.withOptions({ version: 2 }).get("a")
      yield* cache.withSchema(Schema.Int).set("b", 1)
      assert.deepStrictEqual(passed, ["a", "b"])
    })
  )
})

describe("IgnoreExceptions", () => {
  const timeout = new CacheTimeoutError({
    operation: "GET",
    phase: "command",
    timeout: 1,
    node: undefined,
    mayHaveExecuted: true
  })
  const oom = new CacheServerError({
    operation: "SET",
    code: "OOM",
    reply: "OOM",
    node: undefined,
    mayHaveExecuted: false
  })

  it.effect("takes outages, and the server's errors only on request; never bad input", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ log: false }))
      state.failure = timeout
      assert.deepStrictEqual(yield* cache.get("k"), Option.none())
      state.failure = oom
      assert.strictEqual(yield* Effect.flip(cache.set("k", 1)), oom)
      assert.strictEqual((yield* Effect.flip(cache.get("")))._tag, "CacheInputError")
      const lenient = yield* withPolicies(IgnoreExceptions.layer({ log: false, serverErrors: true }))
      lenient.state.failure = oom
      assert.isFalse(yield* lenient.cache.set("k", 1))
    })
  )

  it.effect("runs the lookup of getOrSet, whose failure stays its own", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ log: false }))
      state.failure = down
      for (const singleFlight of ["process", "cluster"] as const) {
        assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(7), { singleFlight }), 7)
        assert.strictEqual(yield* Effect.flip(cache.getOrSet("k", fail, { singleFlight })), "mine")
      }
    })
  )

  it.effect("does not pretend where an operation has no neutral result", () =>
    Effect.gen(function* () {
      const policy = yield* IgnoreExceptions.policy({ log: false })
      const lock = { name: "lock", key: "k", neutral: Option.none<boolean>() }
      const failing: Effect.Effect<boolean, CacheError> = Effect.fail(down)
      assert.strictEqual(yield* Effect.flip(policy(lock, failing)), down)
    })
  )

  it.effect("logs once in an interval, with the number kept back, no key and no value", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
      const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ logInterval: "1 minute" }))
      state.failure = down
      const many = Effect.forEach(Array.from({ length: 10 }), () => cache.set("SECRET-key", "SECRET"))
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* many
          yield* TestClock.adjust("59 seconds")
          yield* many
          assert.strictEqual(lines.length, 1)
          yield* TestClock.adjust("1 second")
          yield* many
        }),
        Logger.layer([logger])
      )
      assert.strictEqual(lines.length, 2)
      assert.match(
        lines[0]!,
        /^Warn .*CacheConnectionError: GET: no connection at cache.example:6379 \(ECONNREFUSED\)$/
      )
      assert.match(lines[1]!, /; 19 more were ignored since the last line$/)
      assert.notInclude(lines.join(), "SECRET")
    })
  )

  it.effect("counts by operation and tag", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ log: false }))
      state.failure = down
      yield* cache.get("k")
      yield* cache.get("k")
      assert.deepStrictEqual(
        yield* counted("effect_vcache_ignored_errors_total", { operation: "get", error: "CacheConnectionError" }),
        2
      )
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("of one cache wins over that of all: a cache may go without", () =>
    Effect.gen(function* () {
      class Strict extends Context.Service<Strict, TypedCache<unknown>>()("test/Strict") {}
      const { client, state } = yield* faulty
      const both = Layer.mergeAll(Layer.fresh(CacheLive), Layer.provide(layerFor(Strict), CachePolicy.none)).pipe(
        Layer.provide(IgnoreExceptions.layer({ log: false })),
        Layer.provide(Layer.succeed(ValkeyClient, client))
      )
      const context = yield* Layer.build(both)
      state.failure = down
      assert.deepStrictEqual(yield* Context.get(context, CacheService).get("k"), Option.none())
      assert.strictEqual(yield* Effect.flip(Context.get(context, Strict).get("k")), down)
    })
  )
})

describe("Breaker", () => {
  it.effect("opens after failures in a row, and lets one try after a while", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(Breaker.layer({ failures: 3, openFor: "10 seconds" }))
      state.failure = down
      for (let i = 0; i < 3; i++) yield* Effect.flip(cache.get("k"))
      const sent = state.sent
      const open = yield* Effect.flip(cache.get("k"))
      assert.strictEqual(state.sent, sent)
      assert.deepInclude(open, {
        _tag: "CacheConnectionError",
        code: "CIRCUIT_OPEN",
        phase: "connect",
        mayHaveExecuted: false,
        operation: "get"
      })
      yield* TestClock.adjust("10 seconds")
      yield* Effect.flip(cache.get("k"))
      assert.strictEqual(state.sent, sent + 1)
      assert.include((yield* Effect.flip(cache.get("k"))).message, "CIRCUIT_OPEN")
      yield* TestClock.adjust("10 seconds")
      state.failure = undefined
      assert.deepStrictEqual(yield* cache.get("k"), Option.none())
      assert.deepStrictEqual(yield* cache.get("k"), Option.none())
    })
  )

  it.effect("counts only what says that the server is gone", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(Breaker.layer({ failures: 2 }))
      for (let i = 0; i < 5; i++) yield* Effect.flip(cache.get(""))
      for (let i = 0; i < 5; i++) yield* Effect.flip(cache.incr("missing"))
      state.failure = down
      yield* Effect.flip(cache.get("k"))
      state.failure = undefined
      yield* cache.get("k")
      state.failure = down
      yield* Effect.flip(cache.get("k"))
      assert.strictEqual(yield* Effect.flip(cache.get("k")), down)
    })
  )

  const told = Effect.fnUntraced(function* (options: Breaker.BreakerOptions) {
    const policy = yield* Breaker.policy(options)
    const notices: Array<string> = []
    policy.notices?.(({ _tag }) => notices.push(_tag))
    const run = <A, E extends CacheError>(effect: Effect.Effect<A, E>) =>
      policy({ name: "get", key: "k", neutral: Option.none() }, effect)
    return { notices, run }
  })

  it.effect("is closed by whatever the server answers, and says so", () =>
    Effect.gen(function* () {
      const { notices, run } = yield* told({ failures: 1, openFor: "10 seconds" })
      const wrongType = new CacheServerError({
        operation: "get",
        code: "WRONGTYPE",
        reply: "WRONGTYPE",
        mayHaveExecuted: false
      })
      yield* Effect.flip(run(Effect.fail(down)))
      assert.include((yield* Effect.flip(run(Effect.void))).message, "CIRCUIT_OPEN")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Effect.flip(run(Effect.fail(wrongType))), wrongType)
      assert.deepStrictEqual(notices, ["CircuitOpened", "CircuitClosed"])
    })
  )

  it.effect("is not closed by what began before it opened", () =>
    Effect.gen(function* () {
      const { notices, run } = yield* told({ failures: 2, openFor: "10 seconds" })
      yield* Effect.flip(run(Effect.fail(down)))
      const answer = yield* Deferred.make<void>()
      const early = yield* Effect.forkChild(run(Deferred.await(answer)), { startImmediately: true })
      yield* Effect.flip(run(Effect.fail(down)))
      yield* Effect.flip(run(Effect.void))
      yield* Deferred.succeed(answer, undefined)
      yield* Fiber.join(early)
      assert.include((yield* Effect.flip(run(Effect.void))).message, "CIRCUIT_OPEN")
      assert.deepStrictEqual(notices, ["CircuitOpened"])
    })
  )

  it.effect("refuses settings that cannot be", () =>
    Effect.gen(function* () {
      for (const options of [{ failures: 0 }, { failures: 1.5 }, { openFor: 0 }, { openFor: Number.NaN }]) {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(Breaker.layer(options))))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    })
  )
})

describe("Tracing", () => {
  const { spans, tracer } = spanRecorder()

  const traced = (options: Tracing.TracingOptions) =>
    Effect.gen(function* () {
      spans.length = 0
      const { cache, state } = yield* withPolicies(Tracing.layer(options))
      yield* cache.set("SECRET-key", "SECRET-value")
      yield* Effect.flip(cache.incr("SECRET-missing"))
      state.failure = down
      yield* Effect.flip(cache.get("SECRET-key"))
      return spans.map(({ attributes, kind, name, status }) => ({
        name,
        kind,
        status,
        attributes: Object.fromEntries(attributes)
      }))
    }).pipe(Effect.withTracer(tracer))

  it.effect("a client span for each operation, by OpenTelemetry's conventions, without keys", () =>
    Effect.gen(function* () {
      const [set, incr, get] = yield* traced({})
      assert.deepInclude(set, { name: "cache.set", kind: "client" })
      assert.deepStrictEqual(set?.attributes, { "db.system.name": "valkey", "db.operation.name": "set" })
      assert.strictEqual(set?.status._tag, "Ended")
      assert.deepInclude(incr?.attributes, { "error.type": "CacheMissError" })
      assert.deepInclude(get?.attributes, {
        "error.type": "CacheConnectionError",
        "db.response.status_code": "ECONNREFUSED",
        "server.address": "cache.example",
        "server.port": 6379,
        "network.peer.address": "cache.example",
        "network.peer.port": 6379
      })
      const shown = spans.map(
        (span) => `${JSON.stringify([...span.attributes])} ${String(span.status._tag === "Ended" && span.status.exit)}`
      )
      assert.notInclude(shown.join(), "SECRET")
    })
  )

  /** As a tree in words: name, parent, links, what is told of hits. */
  const told = () =>
    spans.splice(0).map((span) => {
      const parent = Option.getOrUndefined(span.parent)
      const wasOver =
        parent?._tag === "Span" &&
        parent.status._tag === "Ended" &&
        span.status.startTime > (parent.status.endTime ?? 0n)
      const links = span.links.map(({ span }) => (span._tag === "Span" ? ` -> ${span.name}` : "")).join("")
      const hits = ["cache.hit", "cache.stale", "cache.hits", "cache.misses"].flatMap((name) => {
        const value = span.attributes.get(name)
        return value === undefined ? [] : [` ${name}=${String(value)}`]
      })
      const under = parent?._tag === "Span" ? ` under ${parent.name}` : ""
      return `${span.name}${under}${wasOver ? " (which had ended)" : ""}${links}${hits.join("")}`
    })

  it.effect("hits and stale values, lookups and those who wait for them, refreshes with no parent that has ended", () =>
    Effect.gen(function* () {
      spans.length = 0
      const { cache } = yield* withPolicies(Tracing.layer())
      const lookup = Effect.withSpan(Effect.as(Effect.sleep(10), 1), "query")
      const ask = (caller: string) =>
        Effect.withSpan(cache.getOrSet("k", lookup, { timeToLive: "1 second", staleFor: "1 hour" }), caller)
      const both = yield* Effect.forkChild(Effect.all([ask("one"), ask("two")], { concurrency: 2 }))
      yield* TestClock.adjust(20)
      yield* Fiber.join(both)
      assert.deepStrictEqual(told(), [
        "one",
        "cache.getOrSet under one cache.hit=false cache.stale=false",
        "cache.getOrSet.lookup under one",
        "query under cache.getOrSet.lookup",
        "two",
        "cache.getOrSet under two cache.hit=false cache.stale=false",
        "cache.getOrSet.wait under two -> cache.getOrSet.lookup",
        "cache.getOrSet.store under one"
      ])
      yield* TestClock.adjust("2 seconds")
      yield* ask("three")
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(told(), [
        "three",
        "cache.getOrSet under three cache.hit=true cache.stale=true",
        "cache.getOrSet.refresh -> three",
        "cache.getOrSet.lookup under cache.getOrSet.refresh",
        "query under cache.getOrSet.lookup",
        "cache.getOrSet.store under cache.getOrSet.refresh"
      ])
      // Whoever began it has left, and its span with it.
      const first = yield* Effect.forkChild(Effect.withSpan(cache.getOrSet("l", lookup), "first"))
      const second = yield* Effect.forkChild(Effect.withSpan(cache.getOrSet("l", lookup), "second"))
      yield* TestClock.adjust(5)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(5)
      yield* Fiber.join(second)
      assert.strictEqual(told().at(-1), "cache.getOrSet.store -> first")
      yield* cache.get("none")
      yield* cache.getMany(["k", "l", "none"])
      assert.deepStrictEqual(told(), ["cache.get cache.hit=false", "cache.getMany cache.hits=2 cache.misses=1"])
    }).pipe(Effect.withTracer(tracer))
  )

  it.effect("keys on request, values never", () =>
    Effect.gen(function* () {
      const [set] = yield* traced({ keys: true })
      assert.strictEqual(set?.attributes["cache.key"], "SECRET-key")
      assert.notInclude(JSON.stringify(spans.map(({ attributes }) => Object.fromEntries(attributes))), "SECRET-value")
    })
  )
})

describe("Metrics", () => {
  it.effect("adds up what has the same labels, and forgets each with its scope", () =>
    Effect.gen(function* () {
      const shown = Effect.map(Metric.snapshot, (all) =>
        all.flatMap(({ id, state }) => (id === "effect_vcache_memory_entries" && "value" in state ? [state.value] : []))
      )
      const store = Effect.fnUntraced(function* (scope: Scope.Scope, keys: number) {
        const context = yield* Layer.buildWithScope(Layer.fresh(CacheMemory), scope)
        for (let i = 0; i < keys; i++) yield* Context.get(context, CacheService).set(`k${i}`, i)
      })
      const [first, second] = [yield* Scope.make(), yield* Scope.make()]
      yield* store(first, 2)
      yield* store(second, 3)
      assert.deepStrictEqual(yield* shown, [5])
      yield* Scope.close(first, Exit.void)
      assert.deepStrictEqual(yield* shown, [3])
      yield* Scope.close(second, Exit.void)
      assert.deepStrictEqual(yield* shown, [])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("shows a lookup once where two caches of one name are over one client", () =>
    Effect.gen(function* () {
      const client = yield* Layer.build(Layer.fresh(ValkeyMemory.layer()))
      const build = Layer.build(Layer.fresh(CacheLive)).pipe(Effect.provideContext(client))
      const first = Context.get(yield* build, CacheService)
      yield* build
      const lookup = yield* Effect.forkChild(first.getOrSet("k", Effect.never), { startImmediately: true })
      const shown = (yield* Metric.snapshot).flatMap(({ id, state }) =>
        id === "effect_vcache_lookups_running" && "value" in state ? [state.value] : []
      )
      assert.deepStrictEqual(shown, [1])
      yield* Fiber.interrupt(lookup)
    }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("of OpenTelemetry are there where they are asked for", () =>
    Effect.gen(function* () {
      const layer = CacheMemory.pipe(Layer.fresh, Layer.provide(Metrics.layer({ openTelemetry: true })))
      yield* CacheService.use((cache) => Effect.andThen(cache.set("k", 1), Effect.flip(cache.incr("none")))).pipe(
        Effect.provide(layer)
      )
      const all = (yield* Metric.snapshot).filter(({ id }) => id === "db.client.operation.duration")
      assert.deepStrictEqual(
        all.map(({ attributes }) => [attributes?.["db.operation.name"], attributes?.["error.type"]]),
        [
          ["set", undefined],
          ["incr", "CacheMissError"]
        ]
      )
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("tells caches under one layer apart, and shows gauges as long as the cache lives", () =>
    Effect.gen(function* () {
      class Shop extends Context.Service<Shop, TypedCache<unknown>>()("test/Shop") {}
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        Layer.mergeAll(CacheLive.layer({ name: "pages" }), layerFor(Shop)).pipe(
          Layer.provide(Metrics.layer()),
          Layer.provide(ValkeyMemory.layer())
        ),
        scope
      )
      const gauge = (name: string, attributes: Readonly<Record<string, string>>) =>
        Effect.map(Metric.snapshot, (all) =>
          all.flatMap(({ attributes: own, id, state }) =>
            id === `effect_vcache_${name}` &&
            "value" in state &&
            Object.entries(attributes).every(([key, value]) => own?.[key] === value)
              ? [state.value]
              : []
          )
        )
      const pages = Context.get(context, CacheService)
      yield* Effect.flip(pages.getOrSet("a", Effect.fail("no")))
      yield* Context.get(context, Shop).set("b", 1)
      assert.strictEqual(yield* counted("effect_vcache_misses_total", { cache: "pages", topology: "memory" }), 1)
      assert.strictEqual(yield* counted("effect_vcache_misses_total", { cache: "test/Shop" }), 0)
      assert.strictEqual(yield* counted("effect_vcache_stores_total", { cache: "test/Shop" }), 1)
      assert.strictEqual(yield* counted("effect_vcache_lookup_failures_total", { cache: "pages" }), 1)
      assert.deepStrictEqual(yield* gauge("memory_entries", {}), [1])
      const lookup = yield* Effect.forkChild(pages.getOrSet("c", Effect.never), { startImmediately: true })
      assert.deepStrictEqual(yield* gauge("lookups_running", { cache: "pages" }), [1])
      const held = yield* pages.lock("l").withLock(gauge("leases_held", { cache: "pages" }))
      assert.deepStrictEqual(held, [1])
      assert.deepStrictEqual(yield* gauge("leases_held", { cache: "pages" }), [0])
      yield* Fiber.interrupt(lookup)
      assert.deepStrictEqual(yield* gauge("lookups_running", { cache: "pages" }), [0])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* gauge("lookups_running", {}), [])
      assert.deepStrictEqual(yield* gauge("memory_entries", {}), [])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("hits, misses, stores, errors and durations", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(Metrics.layer())
      yield* cache.get("k")
      yield* cache.setMany({ k: 1, l: 2 })
      yield* cache.get("k")
      yield* cache.getMany(["k", "l", "m"])
      yield* cache.getOrSet("n", Effect.succeed(1))
      yield* cache.getOrSet("n", Effect.succeed(1))
      yield* cache.getOrSetMany(["n", "o"], () => Effect.succeed([["o", 1]] as const))
      state.failure = down
      yield* Effect.flip(cache.get("k"))
      assert.strictEqual(yield* counted("effect_vcache_hits_total", {}), 1 + 2 + 1 + 1)
      assert.strictEqual(yield* counted("effect_vcache_misses_total", {}), 1 + 1 + 1 + 1)
      assert.strictEqual(yield* counted("effect_vcache_stores_total", {}), 2 + 1 + 1)
      assert.strictEqual(yield* counted("effect_vcache_lookups_total", {}), 2)
      assert.strictEqual(
        yield* counted("effect_vcache_errors_total", { operation: "get", error: "CacheConnectionError" }),
        1
      )
      assert.strictEqual(yield* counted("effect_vcache_operation_duration_seconds", { operation: "get" }), 3)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("what getOrSet does is counted without it", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies()
      const options = { timeToLive: "1 second", staleFor: "1 hour" } as const
      yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => cache.getOrSet("k", Effect.as(Effect.yieldNow, 1), options),
        {
          concurrency: "unbounded"
        }
      )
      yield* TestClock.adjust("2 seconds")
      const failing = Effect.andThen(Effect.yieldNow, fail)
      yield* Effect.all([cache.getOrSet("k", failing, options), cache.getOrSet("k", failing, options)], {
        concurrency: "unbounded"
      })
      yield* cache.client.send("SET", [cache.makeKey("x"), "{"])
      yield* cache.getOrSet("x", Effect.succeed(1))
      yield* Effect.flip(cache.getOrSet("y", fail))
      yield* cache.getOrSet("z", Effect.as(cache.set("z", 1), 2))
      yield* cache.getOrSet(
        "w",
        Effect.sync(() => (state.failure = down))
      )
      // What is in the background has its turn, too.
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      for (const [name, expected] of Object.entries({
        lookups: 6,
        lookups_shared: 9,
        refreshes: 1,
        lookup_failures: 2,
        stale_served: 2,
        undecodable: 1,
        lookups_discarded: 1,
        store_failures: 1
      })) {
        assert.strictEqual(yield* counted(`effect_vcache_${name}_total`, {}), expected, name)
      }
    }).pipe(
      Effect.provideService(Metric.MetricRegistry, new Map()),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )
})

describe("policies together", () => {
  it.effect("of one's own: the one nearest to the cache is the innermost", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const named = (name: string) =>
        custom((_, effect) =>
          Effect.andThen(
            Effect.sync(() => order.push(name)),
            effect
          )
        )
      const { cache } = yield* withPolicies(named("inner"), Tracing.layer(), named("outer"))
      yield* cache.get("k")
      // Each begins before what it wraps.
      assert.deepStrictEqual(order, ["outer", "inner"])
    })
  )

  const four = {
    ignore: IgnoreExceptions.layer({ log: false }),
    breaker: Breaker.layer({ failures: 2, openFor: "10 seconds" }),
    tracing: Tracing.layer(),
    metrics: Metrics.layer()
  }
  const permutations = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
    all.length === 0
      ? [[]]
      : all.flatMap((first, i) => permutations(all.toSpliced(i, 1)).map((others) => [first].concat(others)))

  for (const order of permutations(Object.entries(four))) {
    it.effect(`${order.map(([name]) => name).join(" in ")}: answers, opens the circuit, counts the errors`, () =>
      Effect.gen(function* () {
        const { cache, state } = yield* withPolicies(...order.map(([, layer]) => layer))
        yield* cache.set("k", 1)
        state.failure = down
        for (let i = 0; i < 5; i++) assert.deepStrictEqual(yield* cache.get("k"), Option.none())
        assert.strictEqual(state.sent, 1 + 2, "the circuit is open")
        assert.strictEqual(
          yield* counted("effect_vcache_errors_total", {}),
          order.findIndex(([n]) => n === "metrics") < order.findIndex(([n]) => n === "breaker") ? 2 : 5
        )
        assert.strictEqual(yield* counted("effect_vcache_ignored_errors_total", {}), 5)
        yield* TestClock.adjust("10 seconds")
        state.failure = undefined
        assert.deepStrictEqual(yield* cache.get("k"), Option.some(1))
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    )
  }

  it("run under runSync", () => {
    const layers = [four.ignore, four.breaker, four.tracing, four.metrics]
    const cache = layers.reduce<Layer.Layer<CacheService>>(
      (cache, policy) => Layer.provide(cache, policy),
      Layer.fresh(CacheMemory)
    )
    const program = Effect.gen(function* () {
      const cache = yield* CacheService
      yield* cache.set("k", 1)
      return yield* cache.get("k")
    })
    assert.deepStrictEqual(Effect.runSync(Effect.provide(program, cache)), Option.some(1))
  })
})
