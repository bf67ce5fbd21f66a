/** Policies: every operation passes them, once; what each of them does; in whatever order they stand. */
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Logger, Metric, Option, References, Schema, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import {
  Breaker,
  type CacheError,
  CacheConnectionError,
  type CacheHash,
  type CacheList,
  CacheLive,
  CacheMemory,
  CacheMissError,
  CachePolicy,
  CacheServerError,
  CacheService,
  type CacheSet,
  type CacheSortedSet,
  type CacheStream,
  type CacheStreamGroup,
  CacheTimeoutError,
  IgnoreExceptions,
  layerFor,
  Metrics,
  Tracing,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyMemory
} from "effect-vcache"

/** Queues of operations, which pass in parts or as a whole. */
type QueueName = "pipeline" | "transaction"

/** The members of the service that are operations: effects, functions that give effects or streams, that can fail as caches do. */
type OperationName = Exclude<OperationOrQueue, QueueName>
type OperationOrQueue = {
  readonly [K in keyof TypedCache<unknown>]: TypedCache<unknown>[K] extends
    | Effect.Effect<infer _A, infer E>
    | ((...args: ReadonlyArray<never>) => Effect.Effect<infer _B, infer E> | Stream.Stream<infer _C, infer E>)
    ? CacheError extends E
      ? K
      : never
    : never
}[keyof TypedCache<unknown>]

/** The operations of a structure. */
type OperationsOf<S> = {
  readonly [K in keyof S]: {
    /** One call of it. */
    readonly call: (structure: S) => Effect.Effect<unknown, unknown>
    /** What it gives as if the cache were empty. */
    readonly neutral: unknown
  }
}

const ofHash: OperationsOf<CacheHash<unknown>> = {
  set: { call: (hash) => hash.set("f", 1), neutral: false },
  setMany: { call: (hash) => hash.setMany({ f: 1 }), neutral: 0 },
  setIfAbsent: { call: (hash) => hash.setIfAbsent("f", 1), neutral: false },
  get: { call: (hash) => hash.get("f"), neutral: Option.none() },
  getMany: { call: (hash) => hash.getMany(["f"]), neutral: new Map() },
  getAll: { call: (hash) => hash.getAll, neutral: new Map() },
  delete: { call: (hash) => hash.delete("f"), neutral: 0 },
  has: { call: (hash) => hash.has("f"), neutral: false },
  size: { call: (hash) => hash.size, neutral: 0 },
  fields: { call: (hash) => hash.fields, neutral: [] },
  values: { call: (hash) => hash.values, neutral: [] },
  incr: { call: (hash) => hash.incr("f"), neutral: 0 },
  incrFloat: { call: (hash) => hash.incrFloat("f", 1), neutral: 0 },
  scan: { call: (hash) => Stream.runCollect(hash.scan()), neutral: [] }
}

const ofSet: OperationsOf<CacheSet<unknown>> = {
  add: { call: (set) => set.add(1), neutral: 0 },
  remove: { call: (set) => set.remove(1), neutral: 0 },
  has: { call: (set) => set.has(1), neutral: false },
  hasMany: { call: (set) => set.hasMany([1]), neutral: [] },
  members: { call: (set) => set.members, neutral: [] },
  size: { call: (set) => set.size, neutral: 0 },
  pop: { call: (set) => set.pop, neutral: Option.none() },
  popMany: { call: (set) => set.popMany(2), neutral: [] },
  random: { call: (set) => set.random, neutral: Option.none() },
  randomMany: { call: (set) => set.randomMany(2), neutral: [] },
  moveTo: { call: (set) => set.moveTo("t", 1), neutral: false },
  union: { call: (set) => set.union("t"), neutral: [] },
  intersection: { call: (set) => set.intersection("t"), neutral: [] },
  difference: { call: (set) => set.difference("t"), neutral: [] },
  storeUnion: { call: (set) => set.storeUnion("t", ["u"]), neutral: 0 },
  storeIntersection: { call: (set) => set.storeIntersection("t", ["u"]), neutral: 0 },
  storeDifference: { call: (set) => set.storeDifference("t", ["u"]), neutral: 0 },
  scan: { call: (set) => Stream.runCollect(set.scan()), neutral: [] }
}

const ofSortedSet: OperationsOf<CacheSortedSet<unknown>> = {
  add: { call: (set) => set.add([[1, 1]]), neutral: 0 },
  incr: { call: (set) => set.incr(1, 1), neutral: 0 },
  score: { call: (set) => set.score(1), neutral: Option.none() },
  scores: { call: (set) => set.scores([1]), neutral: [] },
  rank: { call: (set) => set.rank(1), neutral: Option.none() },
  range: { call: (set) => set.range(), neutral: [] },
  rangeWithScores: { call: (set) => set.rangeWithScores(), neutral: [] },
  rangeByScore: { call: (set) => set.rangeByScore(0, 1), neutral: [] },
  countByScore: { call: (set) => set.countByScore(0, 1), neutral: 0 },
  remove: { call: (set) => set.remove(1), neutral: 0 },
  removeByRank: { call: (set) => set.removeByRank(0, 1), neutral: 0 },
  removeByScore: { call: (set) => set.removeByScore(0, 1), neutral: 0 },
  popMin: { call: (set) => set.popMin(), neutral: [] },
  popMax: { call: (set) => set.popMax(2), neutral: [] },
  size: { call: (set) => set.size, neutral: 0 },
  scan: { call: (set) => Stream.runCollect(set.scan()), neutral: [] }
}

const ofList: OperationsOf<CacheList<unknown>> = {
  pushLeft: { call: (list) => list.pushLeft(1), neutral: 0 },
  pushRight: { call: (list) => list.pushRight(1), neutral: 0 },
  popLeft: { call: (list) => list.popLeft, neutral: Option.none() },
  popRight: { call: (list) => list.popRight, neutral: Option.none() },
  popLeftMany: { call: (list) => list.popLeftMany(1), neutral: [] },
  popRightMany: { call: (list) => list.popRightMany(1), neutral: [] },
  awaitLeft: { call: (list) => list.awaitLeft(0), neutral: Option.none() },
  awaitRight: { call: (list) => list.awaitRight(0), neutral: Option.none() },
  range: { call: (list) => list.range(), neutral: [] },
  at: { call: (list) => list.at(0), neutral: Option.none() },
  setAt: {
    call: (list) => Effect.catchTag(list.setAt(0, 1), "CacheServerError", () => Effect.void),
    neutral: undefined
  },
  insert: { call: (list) => list.insert("before", 1, 2), neutral: Option.none() },
  remove: { call: (list) => list.remove(1), neutral: 0 },
  trim: { call: (list) => list.trim(0, 1), neutral: undefined },
  indexOf: { call: (list) => list.indexOf(1), neutral: Option.none() },
  indexesOf: { call: (list) => list.indexesOf(1), neutral: [] },
  moveTo: { call: (list) => list.moveTo("t"), neutral: Option.none() },
  size: { call: (list) => list.size, neutral: 0 }
}

/** In an empty store there is no group to ask. */
const orRefused = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.catchIf(
    effect,
    (error) => error instanceof CacheServerError || error instanceof CacheMissError,
    () => Effect.void
  )

/** Those that wait for ever, until they wait. */
const begun = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.raceFirst(Stream.runCollect(stream), Effect.succeed<ReadonlyArray<A>>([]))

const noInfo = {
  length: 0,
  groups: 0,
  lastGeneratedId: "0-0",
  maxDeletedEntryId: "0-0",
  entriesAdded: 0,
  firstEntryId: "0-0"
}

const ofStream: OperationsOf<Omit<CacheStream<unknown>, "group">> = {
  add: { call: (stream) => stream.add({ f: 1 }), neutral: Option.none() },
  size: { call: (stream) => stream.size, neutral: 0 },
  range: { call: (stream) => stream.range(), neutral: [] },
  trim: { call: (stream) => stream.trim({ maxLength: 1 }), neutral: 0 },
  delete: { call: (stream) => stream.delete("1-1"), neutral: 0 },
  follow: { call: (stream) => begun(stream.follow()), neutral: [] },
  info: { call: (stream) => orRefused(stream.info), neutral: noInfo },
  groups: { call: (stream) => stream.groups, neutral: [] }
}

const ofGroup: OperationsOf<CacheStreamGroup<unknown>> = {
  create: { call: (group) => group.create(), neutral: false },
  destroy: { call: (group) => group.destroy, neutral: false },
  setId: { call: (group) => orRefused(group.setId("$")), neutral: undefined },
  removeConsumer: { call: (group) => orRefused(group.removeConsumer("c")), neutral: 0 },
  read: { call: (group) => orRefused(group.read("c")), neutral: [] },
  consume: { call: (group) => orRefused(begun(group.consume("c"))), neutral: [] },
  ack: { call: (group) => group.ack("1-1"), neutral: 0 },
  pending: { call: (group) => orRefused(group.pending()), neutral: [] },
  pendingSummary: {
    call: (group) => orRefused(group.pendingSummary),
    neutral: { count: 0, firstId: Option.none(), lastId: Option.none(), consumers: new Map() }
  },
  consumers: { call: (group) => orRefused(group.consumers), neutral: [] },
  claim: { call: (group) => orRefused(group.claim("c", 0, ["1-1"])), neutral: [] },
  claimIds: { call: (group) => orRefused(group.claimIds("c", 0, ["1-1"])), neutral: [] },
  autoClaim: {
    call: (group) => orRefused(group.autoClaim("c", 0)),
    neutral: { next: "0-0", entries: [], deleted: [] }
  },
  autoClaimIds: {
    call: (group) => orRefused(group.autoClaimIds("c", 0)),
    neutral: { next: "0-0", ids: [], deleted: [] }
  }
}

const structuresOf = <S>(kind: string, operations: OperationsOf<S>, open: (cache: TypedCache<unknown>) => S) =>
  Object.entries<OperationsOf<S>[keyof S]>(operations).map(([name, { call, neutral }]) => ({
    name: `${kind}.${name}`,
    neutral,
    call: (cache: TypedCache<unknown>) => call(open(cache))
  }))

const structures = [
  ...structuresOf("hash", ofHash, (cache) => cache.hash("h")),
  ...structuresOf("list", ofList, (cache) => cache.list("l")),
  ...structuresOf("set", ofSet, (cache) => cache.setOf("s")),
  ...structuresOf("sortedSet", ofSortedSet, (cache) => cache.sortedSet("z")),
  ...structuresOf("stream", ofStream, (cache) => cache.stream("x")),
  ...structuresOf("stream.group", ofGroup, (cache) => cache.stream("x").group("g"))
]

const fail = Effect.fail("mine" as const)

/** One call of each; the compiler knows if one is missing. */
const calls: { readonly [K in OperationName]: (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown> } = {
  get: (cache) => cache.get("k"),
  getMany: (cache) => cache.getMany(["k", "l"]),
  set: (cache) => cache.set("k", 1),
  getAndSet: (cache) => cache.getAndSet("k", 1),
  getAndDelete: (cache) => cache.getAndDelete("k"),
  add: (cache) => cache.add("k", 1),
  setMany: (cache) => cache.setMany({ k: 1, l: 2 }),
  delete: (cache) => cache.delete("k"),
  deleteMany: (cache) => cache.deleteMany(["k"]),
  has: (cache) => cache.has("k"),
  incr: (cache) => cache.incr("k"),
  decr: (cache) => cache.decr("k", 1, { initial: 5 }),
  incrBig: (cache) => cache.incrBig("k"),
  incrFloat: (cache) => cache.incrFloat("k", 1),
  touch: (cache) => cache.touch("k"),
  expire: (cache) => cache.expire("k", 5),
  expireAt: (cache) => cache.expireAt("k", 5),
  persist: (cache) => cache.persist("k"),
  ttl: (cache) => cache.ttl("k"),
  getOrSet: (cache) => cache.getOrSet("k", Effect.succeed(1)),
  getOrSetMany: (cache) => cache.getOrSetMany(["k"], (keys) => Effect.succeed(keys.map((key) => [key, 1] as const))),
  refresh: (cache) => cache.refresh("k", Effect.succeed(1)),
  incrVersion: (cache) => cache.incrVersion("k"),
  decrVersion: (cache) => cache.decrVersion("k"),
  rename: (cache) => cache.rename("k", "l"),
  typeOf: (cache) => cache.typeOf("k"),
  keys: (cache) => cache.keys(),
  scan: (cache) => Stream.runCollect(cache.scan()),
  deletePattern: (cache) => cache.deletePattern("*"),
  clear: (cache) => cache.clear,
  clearAllVersions: (cache) => cache.clearAllVersions,
  flushAll: (cache) => cache.flushAll
}

/** What each gives as if the cache were empty. */
const neutral: { readonly [K in OperationName]: unknown } = {
  get: Option.none(),
  getMany: new Map(),
  set: false,
  getAndSet: Option.none(),
  getAndDelete: Option.none(),
  add: false,
  setMany: ["k", "l"],
  delete: false,
  deleteMany: 0,
  has: false,
  incr: 0,
  decr: 4,
  incrBig: 0n,
  incrFloat: 0,
  touch: false,
  expire: false,
  expireAt: false,
  persist: false,
  ttl: Option.none(),
  getOrSet: 1,
  getOrSetMany: new Map([["k", 1]]),
  refresh: 1,
  incrVersion: 0,
  decrVersion: 0,
  rename: false,
  typeOf: Option.none(),
  keys: [],
  scan: [],
  deletePattern: 0,
  clear: 0,
  clearAllVersions: 0,
  flushAll: undefined
}

const down = new CacheConnectionError({
  operation: "GET",
  phase: "connect",
  code: "ECONNREFUSED",
  node: "cache.example:6379",
  mayHaveExecuted: false
})

/** A memory client whose every command can be made to fail. */
const faulty = Effect.gen(function* () {
  const memory = yield* ValkeyClient
  const state: { failure: CacheError | undefined; sent: number } = { failure: undefined, sent: 0 }
  const broken = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CacheError, R> =>
    Effect.suspend((): Effect.Effect<A, E | CacheError, R> => {
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
    scan: (options) => Stream.unwrap(broken(Effect.succeed(memory.scan(options))))
  }
  return { client, state }
}).pipe(Effect.provide(ValkeyMemory.layer()))

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
      Exclude<
        keyof TypedCache<unknown>,
        | "withSchema"
        | "withOptions"
        | "options"
        | "makeKey"
        | "reverseKey"
        | "health"
        | "client"
        | "hash"
        | "list"
        | "setOf"
        | "sortedSet"
        | "stream"
        | "lock"
        | "semaphore"
        | "pipeline"
        | "transaction"
        | "script"
      >
    >()
  })

  for (const [name, call] of Object.entries(calls)) {
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
        assert.strictEqual(stores.length, ["getOrSet", "getOrSetMany", "refresh"].includes(name) ? 1 : 0, passed.join())
        assert.strictEqual(passed.length, parts.length + stores.length)
        assert.isFalse(inside)
        assert.strictEqual(sentOutside + state.sent, 0, "a command that no policy saw")
      })
    )

    it.effect(`${name} gives its neutral result when the server is down`, () =>
      Effect.gen(function* () {
        const { cache, state } = yield* withPolicies(IgnoreExceptions.layer({ log: false }))
        state.failure = down
        const result = yield* call(cache)
        assert.deepStrictEqual(result, neutral[name as OperationName])
      })
    )
  }

  for (const { call, name, neutral } of structures) {
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
      const policy = yield* Effect.provide(CachePolicy, IgnoreExceptions.layer({ log: false }))
      const lock = { name: "lock", key: "k", neutral: Option.none<boolean>() }
      const failing: Effect.Effect<boolean, CacheError> = Effect.fail(down)
      assert.strictEqual(yield* Effect.flip(policy?.(lock, failing) ?? Effect.succeed(true)), down)
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
      const both = Layer.mergeAll(
        Layer.fresh(CacheLive),
        Layer.provide(layerFor(Strict), Layer.succeed(CachePolicy, undefined))
      ).pipe(Layer.provide(IgnoreExceptions.layer({ log: false })), Layer.provide(Layer.succeed(ValkeyClient, client)))
      const context = yield* Layer.build(both)
      state.failure = down
      assert.deepStrictEqual(yield* Context.get(context, CacheService).get("k"), Option.none())
      assert.strictEqual(yield* Effect.flip(Context.get(context, Strict).get("k")), down)
    })
  )
})

const counted = (name: string, attributes: Readonly<Record<string, string>>) =>
  Effect.map(Metric.snapshot, (metrics) => {
    const found = metrics.filter(
      ({ attributes: own, id }) =>
        id === name && Object.entries(attributes).every(([key, value]) => own?.[key] === value)
    )
    return found.reduce((sum, { state }) => sum + Number("count" in state ? state.count : 0), 0)
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
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })

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
        "server.port": "6379"
      })
      const shown = spans.map(
        (span) => `${JSON.stringify([...span.attributes])} ${String(span.status._tag === "Ended" && span.status.exit)}`
      )
      assert.notInclude(shown.join(), "SECRET")
    })
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
  it.effect("hits, misses, stores, errors and durations", () =>
    Effect.gen(function* () {
      const { cache, state } = yield* withPolicies(Metrics.layer)
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
    metrics: Metrics.layer
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
