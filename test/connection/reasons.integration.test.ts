/** What a failed connection says of its reason: what somebody has to repair, and nothing that is not so. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Redacted, Schema } from "effect"
import { HttpRouter } from "effect/http"
import {
  CacheLive,
  CacheMemory,
  CacheService,
  Cipher,
  type ConnectionOptions,
  SessionStore,
  type TypedCache,
  type ValkeyClient,
  ValkeySentinel,
  ValkeyStandalone,
  ValkeyUrl
} from "effect-vcache"
import { HttpSessions } from "effect-vcache/http"
import { startFake, startRaw } from "../support/FakeServer.ts"
import { startServer } from "../support/ValkeyServer.ts"

const quick: ConnectionOptions = { connectTimeout: "2 seconds", commandTimeout: "300 millis" }

/** What the first lookup fails with. */
const failureOf = <E>(
  client: Layer.Layer<ValkeyClient, E>,
  use: (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown> = (cache) => cache.get("k")
) =>
  Effect.scoped(
    Effect.flip(Effect.provide(CacheService.use(use), Layer.fresh(Layer.provide(Layer.fresh(CacheLive), client))))
  )

describe("a connection that is not made says", () => {
  it.live("that the database does not exist", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { node, url } = yield* startServer()
        const error = yield* failureOf(ValkeyUrl.layer(`${url}/99`))
        assert.strictEqual(
          String(error).split(": ").slice(1).join(": "),
          `GET: no connection at ${node} (ERR DB index is out of range)`
        )
      })
    )
  )

  it.live("that nobody answers the TLS handshake, whatever the topology, and what it says later", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { port } = yield* startServer()
        const waiting = { _tag: "CacheTimeoutError", phase: "connect", code: "TLS_HANDSHAKE", mayHaveExecuted: false }
        for (const scheme of ["valkeys", "clusters"]) {
          assert.deepInclude(yield* failureOf(ValkeyUrl.layer(`${scheme}://127.0.0.1:${port}`, quick)), waiting)
        }
        const refused = {
          _tag: "CacheConnectionError",
          phase: "connect",
          code: "TLS_HANDSHAKE",
          mayHaveExecuted: false
        }
        // Sentinels are waited for at most half a second.
        const sentinels = ValkeyUrl.layer(`sentinels://127.0.0.1:${port}/primary`)
        assert.deepInclude(yield* failureOf(sentinels), refused)
        const impatient = ValkeyUrl.layer(`valkeys://127.0.0.1:${port}`, { connectTimeout: "200 millis" })
        const errors: Array<unknown> = []
        const ask = (cache: TypedCache<unknown>) =>
          Effect.tapError(cache.get("k"), (error) => Effect.sync(() => errors.push(error)))
        yield* failureOf(impatient, (cache) => Effect.andThen(Effect.flip(ask(cache)), ask(cache)))
        const [first, second] = errors
        assert.deepInclude(first, { ...waiting, timeout: 200 })
        assert.deepInclude(second, refused)
      })
    )
  )

  it.live("that another server answers", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { node } = yield* startServer()
        const web = yield* startRaw(() => "HTTP/1.1 400 Bad Request\r\n\r\n")
        const nobody = "127.0.0.1:1"
        for (const [sentinels, code] of [
          [node, "NOT_A_SENTINEL"],
          [`${nobody},${node}`, "NOT_A_SENTINEL"],
          [`127.0.0.1:${web.port}`, "PROTOCOL"],
          [nobody, "SENTINELS_UNREACHABLE"]
        ] as const) {
          const error = yield* failureOf(ValkeyUrl.layer(`sentinel://${sentinels}/primary`))
          assert.deepInclude(error, { _tag: "CacheConnectionError", code }, sentinels)
        }
      })
    )
  )
})

it.live("what only reads was not executed, whatever happened to it: nothing says so", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const silent = yield* startFake(() => undefined)
      const closing = yield* startFake((_, socket) => void socket.destroy())
      for (const [server, tag] of [
        [silent, "CacheTimeoutError"],
        [closing, "CacheConnectionError"]
      ] as const) {
        const client = () => ValkeyStandalone.layer({ ...quick, closeTimeout: "50 millis", url: server.url })
        const calls: ReadonlyArray<
          readonly [(cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown>, boolean]
        > = [
          [(cache) => cache.get("k"), false],
          [(cache) => cache.getMany(["k", "l"]), false],
          [(cache) => cache.hash("h").getAll, false],
          [(cache) => cache.keys(), false],
          [(cache) => cache.set("k", 1), true],
          [(cache) => cache.list("l").popLeft, true]
        ]
        for (const [call, mayHaveExecuted] of calls) {
          const error = yield* failureOf(client(), call)
          assert.deepInclude(error, { _tag: tag, mayHaveExecuted })
          assert.strictEqual(String(error).includes("executed"), mayHaveExecuted)
        }
      }
    })
  )
)

it.live("a secret that was wiped is an error with a type, and never the end of the process", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const { url } = yield* startServer()
      const wiped = Redacted.make("0123456789abcdef0123456789abcdef")
      Redacted.wipeUnsafe(wiped)
      const late = Redacted.make("a password")
      for (const [failing, tag] of [
        [failureOf(ValkeyUrl.layer(wiped)), "CacheInputError"],
        [failureOf(ValkeyStandalone.layer({ url, password: wiped })), "CacheInputError"],
        [failureOf(ValkeyStandalone.layer({ url, tls: { key: wiped } })), "CacheInputError"],
        [
          failureOf(ValkeySentinel.layer({ url: "sentinel://127.0.0.1:1/p", sentinelPassword: wiped })),
          "CacheInputError"
        ],
        [
          failureOf(ValkeyStandalone.layer({ url, password: late }), (cache) => {
            Redacted.wipeUnsafe(late)
            return cache.get("k")
          }),
          "CacheConnectionError"
        ],
        [Effect.flip(Effect.try({ try: () => Cipher.aes256gcm([wiped]), catch: (error) => error })), "CacheInputError"],
        [
          Effect.gen(function* () {
            const store = yield* SessionStore.make({ data: Schema.String })
            return yield* Effect.flip(store.load(wiped))
          }).pipe(Effect.provide(CacheMemory)),
          "CacheInputError"
        ]
      ] as ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, string]>) {
        assert.deepInclude(yield* failing, { _tag: tag })
      }
      class Visit extends HttpSessions.Service<Visit>()("test/Wiped", { data: Schema.String, secrets: wiped }) {}
      const exit = yield* Effect.exit(
        Effect.scoped(
          Layer.build(
            HttpRouter.add(
              "GET",
              "/",
              Visit.use(() => Effect.die("not asked"))
            ).pipe(Layer.provide(Visit.layer), Layer.provide(HttpRouter.layer), Layer.provide(CacheMemory))
          )
        )
      )
      assert.deepInclude(Option.getOrThrow(Exit.findErrorOption(exit)), { _tag: "CacheInputError" })
    })
  )
)
