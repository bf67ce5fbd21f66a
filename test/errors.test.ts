/** The errors are data: they go through JSON and come back as themselves. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Schema } from "effect"
import {
  CacheCodecError,
  CacheConnectionError,
  CacheError,
  CacheInputError,
  CacheMemory,
  CacheMissError,
  CacheServerError,
  CacheService,
  CacheTimeoutError,
  CacheUnsupportedError,
  forClients,
  Health,
  isCacheError,
  isTransient
} from "effect-vcache"
import { replyCode } from "../src/schema/failures.ts"

const node = "127.0.0.1:6379"
const cases: ReadonlyArray<readonly [CacheError, boolean, string]> = [
  [
    new CacheConnectionError({
      operation: "GET",
      phase: "connect",
      code: "ECONNREFUSED",
      node,
      mayHaveExecuted: false,
      cause: { name: "Error", message: "connect ECONNREFUSED", code: "ECONNREFUSED" }
    }),
    true,
    "GET: no connection at 127.0.0.1:6379 (ECONNREFUSED)"
  ],
  [
    new CacheConnectionError({ operation: "SET", phase: "lost", code: undefined, node, mayHaveExecuted: true }),
    true,
    "SET: connection lost at 127.0.0.1:6379; it may have been executed"
  ],
  [
    new CacheConnectionError({ operation: "GET", phase: "closed", code: undefined, node, mayHaveExecuted: false }),
    false,
    "GET: the cache is closed at 127.0.0.1:6379"
  ],
  [
    new CacheTimeoutError({ operation: "GET", phase: "queue", timeout: 250, node: undefined, mayHaveExecuted: false }),
    true,
    "GET: no connection or place in flight became free within 250 ms"
  ],
  [
    new CacheServerError({ operation: "SET", code: "OOM", reply: "OOM out", node, mayHaveExecuted: false }),
    false,
    "SET at 127.0.0.1:6379: OOM out"
  ],
  [
    new CacheServerError({ operation: "GET", code: "LOADING", reply: "LOADING", node, mayHaveExecuted: false }),
    true,
    "GET at 127.0.0.1:6379: LOADING"
  ],
  [
    new CacheCodecError({ operation: "get", direction: "decode", key: "k", cause: { name: "E", message: "why" } }),
    false,
    'get: cannot decode the value of "k": why'
  ],
  [new CacheMissError({ operation: "incr", key: "k" }), false, 'incr: there is no key "k"'],
  [new CacheInputError({ operation: "set", reason: "why" }), false, "set: why"],
  [
    new CacheUnsupportedError({ operation: "raw", topology: "memory", reason: "why" }),
    false,
    "raw: not possible in the memory topology: why"
  ]
]

describe("errors", () => {
  for (const [error, transient, message] of cases) {
    it.effect(`${error._tag}: ${message}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(error.message, message)
        assert.strictEqual(isTransient(error), transient)
        const codec = Schema.toCodecJson(CacheError)
        const json = JSON.stringify(yield* Schema.encodeEffect(codec)(error))
        const back = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json))
        assert.strictEqual(back._tag, error._tag)
        assert.strictEqual(back.message, message)
        assert.instanceOf(back, Error)
        // Plain JSON carries it, too.
        const text = yield* Schema.encodeEffect(Schema.fromJsonString(CacheError))(error)
        assert.strictEqual((yield* Schema.decodeEffect(Schema.fromJsonString(CacheError))(text)).message, message)
      })
    )

    it(`${error._tag} is the cache's, and tells clients nothing of servers and causes`, () => {
      assert.isTrue(isCacheError(error))
      const told = JSON.stringify(forClients(error))
      assert.notInclude(told, "127.0.0.1")
      assert.notInclude(told, '"cause"')
      assert.strictEqual(forClients(error)._tag, error._tag)
    })
  }

  it("the code is the reply's first word, where that is a code", () => {
    const codes = {
      "OUT_OF_STOCK only 3 left": "OUT_OF_STOCK",
      "E2-BIG": "E2-BIG",
      "WRONGTYPE Operation against a key": "WRONGTYPE",
      "ERR: no": "ERR",
      "Not a code": "ERR",
      "OnlyHalf a code": "ERR",
      "1ST": "ERR",
      "": "ERR",
      [`${"A".repeat(65)} is too long`]: "ERR"
    }
    for (const [reply, code] of Object.entries(codes)) assert.strictEqual(replyCode(reply), code, reply)
  })

  it.effect("health goes through plain JSON, with the state of the connections and why it is not ready", () =>
    Effect.gen(function* () {
      const codec = Schema.fromJsonString(Health)
      const [error] = cases[0]!
      const reason = { name: "Error", message: "connect ECONNREFUSED", code: "ECONNREFUSED" }
      const sick: Health = {
        ready: false,
        latency: Duration.millis(1.5),
        state: { _tag: "Degraded", node, reason },
        error: Option.some(error),
        near: Option.some({ _tag: "Live", proofAge: Duration.millis(2.5), entries: 1, bytes: 12, holds: "read" })
      }
      const json: unknown = JSON.parse(yield* Schema.encodeEffect(codec)(sick))
      assert.deepInclude(json, { ready: false, latency: 1.5, state: { _tag: "Degraded", node, reason } })
      assert.deepInclude(json, { near: { _tag: "Live", proofAge: 2.5, entries: 1, bytes: 12, holds: "read" } })
      assert.deepStrictEqual(yield* Schema.decodeEffect(codec)(JSON.stringify(json)), sick)
      const cache = yield* CacheService
      const well: unknown = yield* Schema.encodeEffect(Health)(yield* cache.health)
      assert.deepStrictEqual(well, { ready: true, latency: 0, state: { _tag: "Ready" } })
    }).pipe(Effect.provide(CacheMemory))
  )

  it("what is none of the cache's is not transient", () => {
    for (const other of [new Error("ECONNREFUSED"), { _tag: "CacheTimeoutError" }, "lost", undefined, null]) {
      assert.isFalse(isCacheError(other))
      assert.isFalse(isTransient(other))
    }
  })

  it.effect("an HttpApi answers 503 where the cache cannot be asked", () =>
    Effect.sync(() => {
      for (const schema of [CacheConnectionError, CacheTimeoutError]) {
        assert.strictEqual(schema.ast.annotations?.["httpApiStatus"], 503)
      }
    })
  )
})
