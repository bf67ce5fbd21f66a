/** What a client says of changes, and what it reads to keep, whatever it stands on. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import {
  CacheLive,
  CacheService,
  type CacheError,
  type Invalidation,
  type TypedCache,
  ValkeyClient
} from "effect-vcache"
import { until } from "../support/until.ts"

let spaces = 0

/** A listener of a key space of its own, which has been proven to hear. */
const listening = (more: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const client = yield* ValkeyClient
    // All of a space in one slot, where there are slots.
    const prefix = `{inv${++spaces}}`
    const events: Array<Invalidation> = []
    const [warm] = yield* client.tracked([`${prefix}:1:warm`])
    yield* client.invalidations(
      { prefixes: [`${prefix}:`, ...more], heartbeat: 20 },
      (event) => void events.push(event)
    )
    yield* until(
      "a proof",
      Effect.sync(() => events),
      (all) => all.some((event) => event._tag === "Proof" && event.server === warm?.server)
    )
    events.length = 0
    const cache = (yield* CacheService).withOptions({ prefix })
    return { cache, client, events, prefix }
  })

const keysIn = (events: ReadonlyArray<Invalidation>, own: boolean) =>
  new Set(events.flatMap((event) => (event._tag === "Keys" && event.own === own ? event.keys : [])))

type Change = (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown>

/** Every way of changing the key `a`, which holds 1 where `setUp` does not change that. `also`: another key that it changes. */
const changes: Readonly<Record<string, { readonly run: Change; readonly setUp?: Change; readonly also?: string }>> = {
  set: { run: (cache) => cache.set("a", 2) },
  "set with keepTtl": { run: (cache) => cache.set("a", 2, { keepTtl: true }) },
  add: { run: (cache) => cache.add("a", 2), setUp: (cache) => cache.delete("a") },
  setMany: { run: (cache) => cache.setMany({ a: 2, b: 3 }), also: "b" },
  getAndSet: { run: (cache) => cache.getAndSet("a", 2) },
  getAndDelete: { run: (cache) => cache.getAndDelete("a") },
  getAndTouch: { run: (cache) => cache.getAndTouch("a", "1 hour") },
  delete: { run: (cache) => cache.delete("a") },
  deleteMany: { run: (cache) => cache.deleteMany(["a", "b"]), setUp: (cache) => cache.set("b", 1), also: "b" },
  incr: { run: (cache) => cache.incr("a") },
  incrFloat: { run: (cache) => cache.incrFloat("a", 0.5) },
  touch: { run: (cache) => cache.touch("a", { timeToLive: "1 hour" }) },
  persist: { run: (cache) => cache.persist("a") },
  rename: { run: (cache) => cache.rename("a", "b"), also: "b" },
  "a lookup": { run: (cache) => cache.getOrSet("a", Effect.succeed(2)), setUp: (cache) => cache.delete("a") },
  "lookups of many": {
    run: (cache) => cache.getOrSetMany(["a"], (keys) => Effect.succeed(keys.map((key): [string, number] => [key, 2]))),
    setUp: (cache) => cache.delete("a")
  },
  refresh: { run: (cache) => cache.refresh("a", Effect.succeed(2)) },
  "a structure": { run: (cache) => cache.hash("a").set("f", 1), setUp: (cache) => cache.delete("a") },
  "a pipeline": { run: (cache) => cache.pipeline((queue) => [queue.set("a", 2), queue.get("b")]) },
  "a transaction": { run: (cache) => cache.transaction((queue) => [queue.incr("a"), queue.set("b", 1)]), also: "b" },
  deletePattern: { run: (cache) => cache.deletePattern("a*") },
  clear: { run: (cache) => cache.clear },
  send: { run: (cache) => cache.client.send("APPEND", [cache.makeKey("a"), "1"]) },
  "send of bytes": { run: (cache) => cache.client.send("SET", [Buffer.from(cache.makeKey("a")), "1"]) },
  dedicated: {
    run: (cache) =>
      Effect.scoped(Effect.flatMap(cache.client.dedicated, (own) => own.send("SET", [cache.makeKey("a"), 2])))
  },
  "a script": {
    run: (cache) =>
      cache.client.eval(
        {
          name: "two",
          lua: "return redis.call('SET', KEYS[1], 2)",
          memory: ({ call }, [key = ""]) => call("SET", key, 2)
        },
        [cache.makeKey("a")],
        []
      )
  }
}

export interface InvalidationFacts {
  /** Nobody else writes to what it stands on. */
  readonly isAlone?: true
}

export const invalidationContract = (
  name: string,
  clientLayer: Layer.Layer<ValkeyClient, CacheError>,
  { isAlone }: InvalidationFacts = {}
): void => {
  layer(Layer.provideMerge(CacheLive.layer({ timeToLive: "1 hour" }), clientLayer))(`${name}: changes`, (it) => {
    describe("are told", () => {
      for (const [way, { also, run, setUp = () => Effect.void }] of Object.entries(changes)) {
        it.effect(`of ${way}`, () =>
          Effect.scoped(
            Effect.gen(function* () {
              const { cache, events } = yield* listening()
              yield* cache.set("a", 1)
              yield* setUp(cache)
              events.length = 0
              yield* run(cache)
              const keys = ["a", ...(also === undefined ? [] : [also])].map((key) => cache.makeKey(key))
              // When whoever changed it goes on.
              const own = keysIn(events, true)
              assert.deepStrictEqual(
                keys.filter((key) => !own.has(key)),
                []
              )
              if (isAlone === true) return
              yield* until(
                "the server's word",
                Effect.sync(() => keysIn(events, false)),
                (heard) => keys.every((key) => heard.has(key))
              )
            })
          )
        )
      }

      it.effect("of nothing under another prefix", () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { cache, events } = yield* listening()
            yield* cache.withOptions({ prefix: "elsewhere" }).set("a", 1)
            yield* cache.set("b", 1)
            assert.deepStrictEqual([...keysIn(events, true)], [cache.makeKey("b")])
          })
        )
      )

      it.effect("of a read, when its reply is here: what was kept may be older", () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { cache, client, events } = yield* listening()
            yield* client.send("GET", [cache.makeKey("a")])
            if (isAlone !== true) assert.deepStrictEqual([...keysIn(events, true)], [cache.makeKey("a")])
            events.length = 0
            // But not where the reply is to be kept.
            yield* client.tracked([cache.makeKey("a")])
            assert.deepStrictEqual([...keysIn(events, true)], [])
          })
        )
      )

      it.effect("of everything, where everything may have changed", () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { client, events } = yield* listening()
            yield* client.send("FLUSHDB", [])
            assert.isTrue(events.some((event) => event._tag === "Everything" && event.server === undefined))
          })
        )
      )

      it.effect("to all who listen, also to those who come later with other prefixes", () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { cache, client, events } = yield* listening()
            const more: Array<Invalidation> = []
            yield* client.invalidations({ prefixes: ["later:"], heartbeat: 20 }, (event) => void more.push(event))
            yield* until(
              "a proof",
              Effect.sync(() => more),
              (all) => all.some(({ _tag }) => _tag === "Proof")
            )
            yield* cache.set("a", 1)
            yield* client.send("SET", ["later:a", 1])
            for (const [heard, key] of [
              [events, cache.makeKey("a")],
              [more, "later:a"]
            ] as const) {
              yield* until(
                "its key alone",
                Effect.sync(() => [...keysIn(heard, true)]),
                (keys) => keys.length === 1 && keys[0] === key
              )
            }
          })
        )
      )

      it.effect("as a stream", () =>
        Effect.gen(function* () {
          const client = yield* ValkeyClient
          yield* client.send("GET", ["stream:warm"])
          const heard = yield* Effect.forkChild(
            Stream.runCollect(Stream.takeUntil(client.changes(["stream:"]), ({ _tag }) => _tag === "Keys")),
            { startImmediately: true }
          )
          yield* until(
            "what is told",
            Effect.andThen(
              client.send("INCR", ["stream:a"]),
              Effect.sync(() => heard.pollUnsafe())
            ),
            (exit) => exit !== undefined
          )
          assert.deepInclude(yield* Fiber.join(heard), { _tag: "Keys", keys: ["stream:a"], own: true })
        })
      )
    })

    it.effect("are told key by key of what was read, where that is wanted", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const client = yield* ValkeyClient
          const prefix = `{inv${++spaces}}:`
          const key = `${prefix}a`
          const events: Array<Invalidation> = []
          const tracked = (keys: ReadonlyArray<string>) => client.tracked(keys, { tracking: "perKey" })
          const [before] = yield* tracked([key])
          yield* client.invalidations(
            { prefixes: [prefix], tracking: "perKey", heartbeat: 20 },
            (event) => void events.push(event)
          )
          yield* until(
            "a proof",
            Effect.sync(() => events),
            (all) => all.some((event) => event._tag === "Proof")
          )
          const [after] = yield* until(
            "what may be kept",
            tracked([key, `${prefix}b`]),
            ([reply]) => reply?.server !== undefined
          )
          assert.deepStrictEqual([after?.value, after?.pttl], [null, -2])
          // Nobody knew that it was read before.
          assert.strictEqual(before?.server === undefined, isAlone !== true)
          events.length = 0
          for (const name of ["c", "a", "b"]) yield* client.send("SET", [`${prefix}${name}`, 1])
          if (isAlone === true) return
          yield* until(
            "the server's word",
            Effect.sync(() => keysIn(events, false)),
            (keys) => keys.size === 2
          )
          assert.deepStrictEqual(keysIn(events, false), new Set([key, `${prefix}b`]))
        })
      )
    )

    describe("tracked", () => {
      it.effect("values with their lifetimes, the server, and the instant before they were read", () =>
        Effect.gen(function* () {
          const client = yield* ValkeyClient
          const caller = yield* Effect.withFiber(Effect.succeed)
          yield* client.send("SET", ["tracked:a", "1"])
          yield* client.send("SET", ["tracked:b", "ü", "PX", 60_000])
          const before = client.instant(caller)
          const [a, b, c] = yield* client.tracked(["tracked:a", "tracked:b", "tracked:c"])
          const after = client.instant(caller)
          assert.deepStrictEqual([a?.value, b?.value, c?.value], ["1", "ü", null])
          assert.deepStrictEqual([a?.pttl, c?.pttl], [-1, -2])
          assert.isTrue(b!.pttl > 50_000 && b!.pttl <= 60_000)
          assert.isTrue(before - 2 <= a!.sentAt && a!.sentAt <= after)
          assert.isString(a?.server)
          const [bytes] = yield* client.tracked(["tracked:b"], { reply: "buffer" })
          assert.deepStrictEqual(bytes?.value, Buffer.from("ü"))
          assert.deepStrictEqual(yield* client.tracked([]), [])
        })
      )

      it.effect("which of two replies over one connection is the later one", () =>
        Effect.gen(function* () {
          const client = yield* ValkeyClient
          const read = client.tracked(["tracked:place"])
          const [[first], [second]] = yield* Effect.all([read, read], { concurrency: "unbounded" })
          assert.isDefined(first?.place)
          assert.strictEqual(first?.place?.connection, second?.place?.connection)
          assert.isBelow(first?.place?.number ?? 0, second?.place?.number ?? 0)
        })
      )

      it.effect("fails where one of the keys holds something else", () =>
        Effect.gen(function* () {
          const client = yield* ValkeyClient
          yield* client.send("HSET", ["tracked:h", "f", 1])
          const error = yield* Effect.flip(client.tracked(["tracked:h"]))
          assert.deepStrictEqual(
            [error._tag, error._tag === "CacheServerError" ? error.code : "", error.operation],
            ["CacheServerError", "WRONGTYPE", "GET"]
          )
        })
      )
    })
  })
}
