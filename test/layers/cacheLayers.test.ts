/** Each use of a cache layer is a cache of its own, with the settings and policies that stand there. */
import { assert, describe, it } from "@effect/vitest"
import {
  Config,
  ConfigProvider,
  Context,
  Deferred,
  Effect,
  Exit,
  Logger,
  Fiber,
  Layer,
  Option,
  Redacted,
  Ref,
  Schema,
  Scope
} from "effect"
import {
  Breaker,
  CacheFromConfig,
  CacheLive,
  CacheMemory,
  CachePolicy,
  CacheRegion,
  CacheService,
  Cipher,
  type ConnectionOptions,
  IgnoreExceptions,
  layerFor,
  Metrics,
  type TypedCache,
  ValkeyClient,
  ValkeyMemory,
  ValkeyStandalone,
  ValkeyUrl
} from "effect-vcache"
import { EffectKeyValueStore } from "effect-vcache/effect"
import { KeyValueStore } from "effect/persistence"

class Pages extends Context.Service<Pages, TypedCache<unknown>>()("test/Pages") {}
class Patients extends Context.Service<Patients, TypedCache<unknown>>()("test/Patients") {}

const cipher = Cipher.aes256gcm([Redacted.make("5e".repeat(32))])

/** A policy that notes which operations passed it. */
const noting = (notes: Array<string>, name: string) =>
  CachePolicy.layer((operation, effect) =>
    Effect.suspend(() => {
      notes.push(`${name}:${operation.name}`)
      return effect
    })
  )

const asPages = <E, R>(cache: Layer.Layer<CacheService, E, R>) =>
  Layer.effect(Pages, CacheService).pipe(Layer.provide(cache))
const asPatients = <E, R>(cache: Layer.Layer<CacheService, E, R>) =>
  Layer.effect(Patients, CacheService).pipe(Layer.provide(cache))

describe("two modules that each use CacheLive", () => {
  const pages = asPages(CacheLive.layer({ prefix: "pages" }))
  const patients = asPatients(CacheLive.layer({ prefix: "patients", cipher }))
  const orders = { "pages first": Layer.merge(pages, patients), "patients first": Layer.merge(patients, pages) }

  for (const [order, modules] of Object.entries(orders)) {
    it.effect(`have a cache each over one client, ${order}`, () =>
      Effect.gen(function* () {
        const [pages, patients] = [yield* Pages, yield* Patients]
        yield* pages.set("1", "plain")
        yield* patients.set("1", "secret diagnosis")
        assert.strictEqual(pages.client, patients.client)
        assert.strictEqual(yield* pages.client.send("GET", ["pages:1:1"]), '"plain"')
        const stored = yield* pages.client.send("GET", ["patients:1:1"], { reply: "buffer" })
        assert.notInclude(String(stored), "diagnosis")
      }).pipe(Effect.provide(modules.pipe(Layer.provide(ValkeyMemory.layer()))))
    )
  }

  const uses: Record<string, Layer.Layer<CacheService, unknown, ValkeyClient>> = {
    CacheLive,
    CacheMemory,
    CacheFromConfig
  }
  for (const [name, cache] of Object.entries(uses)) {
    it.effect(`keep the policies that stand around each use of ${name}`, () => {
      const notes: Array<string> = []
      const modules = Layer.merge(
        asPages(cache).pipe(Layer.provide(noting(notes, "pages"))),
        asPatients(cache).pipe(Layer.provide(noting(notes, "patients")))
      ).pipe(Layer.provide(ValkeyMemory.layer()))
      return Effect.gen(function* () {
        yield* (yield* Pages).set("a", 1)
        assert.deepStrictEqual(yield* (yield* Patients).get("a"), Option.some(1))
        assert.deepStrictEqual(notes, ["pages:set", "patients:get"])
      }).pipe(Effect.provide(modules))
    })
  }

  it.effect("a const that holds a cache with its client is one layer, and so one cache", () => {
    const Shared = Layer.provide(CacheLive.layer({ prefix: "p" }), ValkeyMemory.layer())
    return Effect.gen(function* () {
      assert.strictEqual(yield* Pages, yield* Patients)
    }).pipe(Effect.provide(Layer.merge(asPages(Shared), asPatients(Shared))))
  })

  it.effect("an outage that one ignores is told by the other", () => {
    const down = ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" })
    const modules = Layer.merge(
      asPages(CacheLive).pipe(Layer.provide(IgnoreExceptions.layer({ log: false }))),
      asPatients(CacheLive)
    ).pipe(Layer.provide(down))
    return Effect.gen(function* () {
      assert.isFalse(yield* (yield* Pages).set("a", 1))
      assert.strictEqual((yield* Effect.flip((yield* Patients).set("a", 1)))._tag, "CacheConnectionError")
    }).pipe(Effect.provide(modules))
  })

  it.effect("may have a client each", () => {
    const modules = Layer.merge(
      asPages(CacheLive).pipe(Layer.provide(ValkeyMemory.layer())),
      asPatients(CacheLive).pipe(Layer.provide(ValkeyMemory.layer()))
    )
    return Effect.gen(function* () {
      yield* (yield* Pages).set("a", 1)
      assert.deepStrictEqual(yield* (yield* Patients).get("a"), Option.none())
    }).pipe(Effect.provide(modules))
  })

  it.effect("in memory they share the program's one store", () =>
    Effect.gen(function* () {
      yield* (yield* Pages).set("a", 1)
      assert.deepStrictEqual(yield* (yield* Patients).withOptions({ prefix: "p" }).get("a"), Option.some(1))
    }).pipe(Effect.provide(Layer.merge(asPages(CacheMemory.layer({ prefix: "p" })), asPatients(CacheMemory))))
  )

  it.effect("nested provisions are caches of their own", () =>
    Effect.gen(function* () {
      const outer = yield* CacheService
      const inner = yield* Effect.provide(CacheService, CacheLive.layer({ prefix: "inner" }))
      assert.deepStrictEqual([outer.options.prefix, inner.options.prefix], ["outer", "inner"])
      assert.strictEqual(outer.client, inner.client)
    }).pipe(Effect.provide(Layer.provideMerge(CacheLive.layer({ prefix: "outer" }), ValkeyMemory.layer())))
  )
})

it.effect("CacheFromConfig follows the ConfigProvider that stands around each use", () => {
  const under = (url: string) =>
    Layer.provide(CacheFromConfig, ConfigProvider.layer(ConfigProvider.fromUnknown({ VALKEY_URL: url })))
  const modules = Layer.merge(asPages(under("memory://")), asPatients(under("valkey://127.0.0.1:1")))
  return Effect.gen(function* () {
    assert.strictEqual((yield* Pages).client.topology, "memory")
    assert.strictEqual((yield* Patients).client.topology, "standalone")
  }).pipe(Effect.provide(modules))
})

const withConfig = <E, R>(layer: Layer.Layer<CacheService, E, R>, env: Readonly<Record<string, string>>) =>
  Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromUnknown(env)))

const topologyOf = <E>(layer: Layer.Layer<CacheService, E>) =>
  Effect.provide(
    CacheService.use(({ client }) => Effect.succeed(client.topology)),
    layer
  )

it.effect("without VALKEY_URL the cache is in memory, and a warning says so once", () =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logger.layer([
      Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
    ])
    const topologies = (
      layer: typeof CacheFromConfig | typeof CacheFromConfig.required,
      env: Record<string, string>
    ) => {
      const both = Layer.mergeAll(
        Layer.effect(Pages, CacheService).pipe(Layer.provide(layer)),
        Layer.effect(Patients, CacheService).pipe(Layer.provide(layer.layer({ prefix: "b" })))
      )
      return Effect.gen(function* () {
        assert.strictEqual((yield* Pages).client, (yield* Patients).client)
        return (yield* Pages).client.topology
      }).pipe(Effect.provide(both), Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env))))
    }
    for (const env of [{}, { VALKEY_URL: "" }]) {
      lines.length = 0
      assert.strictEqual(yield* Effect.provide(topologies(CacheFromConfig, env), logger), "memory")
      assert.strictEqual(lines.length, 1, lines.join())
      assert.match(lines.join(), /^Warn VALKEY_URL is not set: .* memory of this process/)
      const exit = yield* Effect.exit(topologyOf(withConfig(CacheFromConfig.required, env)))
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(exit), "VALKEY_URL")
    }
    lines.length = 0
    for (const layer of [CacheFromConfig, CacheFromConfig.required]) {
      const memory = topologies(layer, { VALKEY_URL: "memory://" })
      assert.strictEqual(yield* Effect.provide(memory, logger), "memory")
    }
    assert.deepStrictEqual(lines, [])
  })
)

it.effect("the service has its layers beside it: with settings, with settings from Config, in memory", () =>
  Effect.gen(function* () {
    const prefixOf = <E>(layer: Layer.Layer<CacheService, E>) =>
      Effect.provide(
        CacheService.use(({ options }) => Effect.succeed(options.prefix)),
        layer
      )
    const over = Layer.provide(ValkeyMemory.layer())
    assert.strictEqual(yield* prefixOf(CacheService.layer({ prefix: "shop" }).pipe(over)), "shop")
    assert.strictEqual(yield* prefixOf(CacheService.layer().pipe(over)), "")
    assert.strictEqual(yield* prefixOf(CacheService.layerMemory({ prefix: "m" })), "m")
    const configured = CacheService.layerConfig({ prefix: Config.String("PREFIX"), version: Config.Int("VERSION") })
    const from = (env: Record<string, string>) =>
      prefixOf(withConfig(Layer.provide(configured, ValkeyMemory.layer()), env))
    assert.strictEqual(yield* from({ PREFIX: "c", VERSION: "2" }), "c")
    assert.include(String(yield* Effect.flip(from({ PREFIX: "c" }))), "VERSION")
    assert.include(String(yield* Effect.flip(from({ PREFIX: "\ud800", VERSION: "2" }))), "prefix")
  })
)

it.effect("ValkeyUrl.layerConfig takes the config of the URL, and of the options", () =>
  Effect.gen(function* () {
    const url = Config.Redacted("CACHE_URL")
    const stateOf = (env: Record<string, string>, options?: Config.Wrap<ConnectionOptions>) =>
      topologyOf(withConfig(Layer.provide(CacheLive, ValkeyUrl.layerConfig(url, options)), env))
    assert.strictEqual(yield* stateOf({ CACHE_URL: "memory://" }), "memory")
    assert.strictEqual(yield* stateOf({ CACHE_URL: "valkey://127.0.0.1:1" }), "standalone")
    const timeout = { commandTimeout: Config.Duration("TIMEOUT") }
    assert.strictEqual(
      yield* stateOf({ CACHE_URL: "valkey://127.0.0.1:1", TIMEOUT: "1 second" }, timeout),
      "standalone"
    )
    assert.include(String(yield* Effect.flip(stateOf({ CACHE_URL: "valkey://127.0.0.1:1" }, timeout))), "TIMEOUT")
    const required = Layer.provide(CacheLive, ValkeyUrl.layerConfigRequired(url))
    assert.include(String(yield* Effect.flip(topologyOf(withConfig(required, {})))), "CACHE_URL")
  })
)

it.effect("errors of the URL name VALKEY_URL, and show nothing of it", () =>
  Effect.gen(function* () {
    for (const url of ["http://secret", "valkey://secret/x", "valkey://a,cluster://secret", "sentinel://secret"]) {
      for (const layer of [CacheFromConfig, CacheFromConfig.required.layer({ prefix: "p" })]) {
        const error = yield* Effect.flip(topologyOf(withConfig(layer, { VALKEY_URL: url })))
        assert.match(error.message, /^VALKEY_URL: /)
        assert.notInclude(error.message, "secret")
      }
    }
  })
)

it.effect("regions and key-value stores are over the cache that stands there", () => {
  class Users extends CacheRegion.Service<Users>()("test/Users", {
    key: Schema.Int,
    value: Schema.Int,
    lookup: (id: number) => Effect.succeed(id)
  }) {}
  class Stores extends Context.Service<Stores, KeyValueStore.KeyValueStore>()("test/Stores") {}
  const under = (prefix: string) => CacheLive.layer({ prefix })
  const both = Layer.mergeAll(
    Layer.provide(Users.layer, under("a")),
    Layer.effect(Stores, KeyValueStore.KeyValueStore).pipe(
      Layer.provide(EffectKeyValueStore.layer()),
      Layer.provide(under("b"))
    )
  ).pipe(Layer.provideMerge(ValkeyMemory.layer()))
  return Effect.gen(function* () {
    yield* (yield* Users).get(1)
    yield* (yield* Stores).set("k", "v")
    // The same layers once more, elsewhere in the program.
    yield* Users.use((users) => users.get(2)).pipe(Effect.provide(Layer.provide(Users.layer, under("c"))))
    const client = yield* ValkeyClient
    const keys = yield* client.send("KEYS", ["*"])
    assert.isTrue(Array.isArray(keys))
    assert.deepStrictEqual(
      String(keys)
        .split(",")
        .map((key) => key.slice(0, 2))
        .toSorted(),
      ["a:", "b:", "c:"]
    )
  }).pipe(Effect.provide(both))
})

it.effect("settings that cannot be used fail the layer", () =>
  Effect.gen(function* () {
    const layers: ReadonlyArray<Layer.Layer<never, unknown>> = [
      Layer.effectDiscard(Effect.void).pipe(Layer.provide(CacheMemory.layer({ version: 1.5 }))),
      Layer.effectDiscard(Effect.void).pipe(Layer.provide(CacheMemory.layer({ timeToLive: 0 }))),
      Layer.effectDiscard(Effect.void).pipe(Layer.provide(CacheFromConfig.layer({ jitter: 2 }))),
      Layer.effectDiscard(Effect.void).pipe(
        Layer.provide(layerFor(Pages, { prefix: "\ud800" })),
        Layer.provide(ValkeyMemory.layer())
      )
    ]
    for (const layer of layers) {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assert.deepInclude(error, { _tag: "CacheInputError", operation: "layer" })
    }
  })
)

describe("caches over one client coordinate in the process", () => {
  const both = Layer.merge(layerFor(Pages), layerFor(Patients)).pipe(Layer.provideMerge(ValkeyMemory.layer()))

  it.effect("share a lookup", () =>
    Effect.gen(function* () {
      const [pages, patients] = [yield* Pages, yield* Patients]
      const gate = yield* Deferred.make<void>()
      const lookups = yield* Ref.make(0)
      const lookup = Effect.andThen(
        Ref.update(lookups, (n) => n + 1),
        Effect.as(Deferred.await(gate), "value")
      )
      const one = yield* Effect.forkChild(pages.getOrSet("k", lookup), { startImmediately: true })
      const two = yield* Effect.forkChild(patients.getOrSet("k", lookup), { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(
        [yield* Fiber.join(one), yield* Fiber.join(two), yield* Ref.get(lookups)],
        ["value", "value", 1]
      )
    }).pipe(Effect.provide(both))
  )

  it.effect("what one writes outdates a lookup of the other", () =>
    Effect.gen(function* () {
      const [pages, patients] = [yield* Pages, yield* Patients]
      const gate = yield* Deferred.make<void>()
      const asking = yield* Effect.forkChild(pages.getOrSet("k", Effect.as(Deferred.await(gate), "old")), {
        startImmediately: true
      })
      yield* patients.set("k", "new")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(asking), "old")
      assert.deepStrictEqual(yield* pages.get("k"), Option.some("new"))
    }).pipe(Effect.provide(both))
  )

  it.effect("a lookup whose cache closes goes on for those who wait in another", () =>
    Effect.gen(function* () {
      const patients = yield* Patients
      const scope = yield* Scope.make()
      const pages = Context.get(yield* Scope.provide(Layer.build(layerFor(Pages)), scope), Pages)
      const lookups = yield* Ref.make(0)
      const lookup = Effect.flatMap(
        Ref.updateAndGet(lookups, (n) => n + 1),
        (n) => (n === 1 ? Effect.never : Effect.succeed(n))
      )
      yield* Effect.forkChild(pages.getOrSet("k", lookup), { startImmediately: true })
      const other = yield* Effect.forkChild(patients.getOrSet("k", lookup), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Fiber.join(other), 2)
    }).pipe(Effect.provide(both))
  )
})

describe("policies", () => {
  const passed = (caches: (notes: Array<string>) => Layer.Layer<CacheService>) => {
    const notes: Array<string> = []
    return Effect.as(
      Effect.provide(
        CacheService.use((cache) => cache.get("k")),
        caches(notes)
      ),
      notes
    )
  }

  it.effect("of an array, a chain and a merge add up", () =>
    Effect.gen(function* () {
      const array = yield* passed((notes) => Layer.provide(CacheMemory, [noting(notes, "a"), noting(notes, "b")]))
      assert.deepStrictEqual(array.toSorted(), ["a:get", "b:get"])
      const merged = yield* passed((notes) =>
        Layer.provide(CacheMemory, Layer.merge(noting(notes, "a"), noting(notes, "b")))
      )
      assert.deepStrictEqual(merged.toSorted(), ["a:get", "b:get"])
      const chain = yield* passed((notes) =>
        CacheMemory.pipe(Layer.provide(noting(notes, "inner")), Layer.provide(noting(notes, "outer")))
      )
      assert.deepStrictEqual(chain, ["outer:get", "inner:get"])
    })
  )

  it.effect("given twice count once", () =>
    Effect.gen(function* () {
      const twice = yield* passed((notes) => {
        const policy = noting(notes, "a")
        return CacheMemory.pipe(Layer.provide([policy, policy]), Layer.provide(policy))
      })
      assert.deepStrictEqual(twice, ["a:get"])
    })
  )

  it.effect("of its own are innermost, and the first of them most", () =>
    Effect.gen(function* () {
      const order = yield* passed((notes) => {
        const note =
          (name: string): Parameters<typeof CachePolicy.layer>[0] =>
          (_, effect) =>
            Effect.suspend(() => {
              notes.push(name)
              return effect
            })
        return CacheMemory.layer({ policies: [note("first"), Effect.succeed(note("second"))] }).pipe(
          Layer.orDie,
          Layer.provide(noting(notes, "around"))
        )
      })
      assert.deepStrictEqual(order, ["around:get", "second", "first"])
    })
  )

  it.effect("are spared by none, but for those that stand within", () =>
    Effect.gen(function* () {
      const spared = yield* passed((notes) =>
        CacheMemory.pipe(
          Layer.provide(noting(notes, "within")),
          Layer.provide(CachePolicy.none),
          Layer.provide(noting(notes, "outside")),
          Layer.provide(CachePolicy.none),
          Layer.provide(noting(notes, "far outside"))
        )
      )
      assert.deepStrictEqual(spared, ["within:get"])
    })
  )

  it.effect("a circuit for each cache, or one for all under the layer", () =>
    Effect.gen(function* () {
      const down = ValkeyStandalone.layer({ url: "valkey://127.0.0.1:1" })
      const codes = (caches: Layer.Layer<Pages | Patients, unknown>) =>
        Effect.gen(function* () {
          yield* Effect.flip((yield* Pages).get("k"))
          const error = yield* Effect.flip((yield* Patients).get("k"))
          return error._tag === "CacheConnectionError" ? error.code : error._tag
        }).pipe(Effect.provide(caches))
      const own = { policies: [Breaker.policy({ failures: 1 })] }
      assert.notStrictEqual(
        yield* codes(Layer.merge(layerFor(Pages, own), layerFor(Patients, own)).pipe(Layer.provide(down))),
        "CIRCUIT_OPEN"
      )
      const shared = Layer.merge(layerFor(Pages), layerFor(Patients))
      assert.strictEqual(
        yield* codes(
          shared.pipe(Layer.provide([Breaker.layer({ failures: 1 }), Metrics.layer()]), Layer.provide(down))
        ),
        "CIRCUIT_OPEN"
      )
    })
  )
})
