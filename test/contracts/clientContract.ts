/** What every client does, whatever it stands on. */
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, type Layer, Option, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type CacheError, type Command, type Script, Tracing, ValkeyClient } from "effect-vcache"
import { cacheOver } from "../support/cacheOver.ts"
import { spanRecorder } from "../support/spanRecorder.ts"
import { until } from "../support/until.ts"

let names = 0
/** Keys of one test. */
const key = (name = "k") => `c${names}:${name}`

const bump: Script = {
  name: "bump",
  lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
  memory: ({ call }, [key = ""], [by = 0]) => call("INCRBY", key, by)
}

const test = <A, E>(body: (client: ValkeyClient["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(ValkeyClient, (client) => {
    names++
    return body(client)
  })

export const clientContract = (name: string, clientLayer: Layer.Layer<ValkeyClient, CacheError>): void => {
  layer(clientLayer)(name, (it) => {
    describe("send", () => {
      it.effect("arguments of every kind, replies as text or bytes", () =>
        test((client) =>
          Effect.gen(function* () {
            const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
            assert.strictEqual(yield* client.send("SET", [key(), bytes]), "OK")
            const back = yield* client.send("GET", [key()], { reply: "buffer" })
            assert.deepStrictEqual(Buffer.from(back as Buffer), Buffer.from(bytes))
            assert.strictEqual(yield* client.send("STRLEN", [key()]), 256)
            for (const [arg, text] of [
              ["Iñt ☃ 𝕏", "Iñt ☃ 𝕏"],
              [42, "42"],
              [-1.5, "-1.5"],
              [2n ** 70n, String(2n ** 70n)],
              ["", ""]
            ] as const) {
              yield* client.send("SET", [key(), arg])
              assert.strictEqual(yield* client.send("GET", [key()]), text)
            }
            assert.isNull(yield* client.send("GET", [key("missing")]))
            assert.deepStrictEqual(yield* client.send("MGET", [key(), key("missing")]), ["", null])
          })
        )
      )

      it.effect("a slice of a larger buffer is sent alone", () =>
        test((client) =>
          Effect.gen(function* () {
            const large = new TextEncoder().encode("0123456789")
            yield* client.send("SET", [key(), large.subarray(2, 5)])
            large.fill(0)
            assert.strictEqual(yield* client.send("GET", [key()]), "234")
          })
        )
      )

      it.effect("request goes on with the reply", () =>
        test((client) =>
          Effect.gen(function* () {
            yield* client.send("SET", [key(), "5"])
            assert.strictEqual(yield* client.request("GET", [key()], (reply) => Effect.succeed(Number(reply))), 5)
            const error = yield* Effect.flip(client.request("GET", [key()], () => Effect.fail("mine")))
            assert.strictEqual(error, "mine")
            const exit = yield* Effect.exit(
              client.request("GET", [key()], (): Effect.Effect<never> => {
                throw new Error("defect")
              })
            )
            assert.strictEqual(exit._tag, "Failure")
            assert.strictEqual(yield* client.send("GET", [key()]), "5")
          })
        )
      )

      it.effect("the server's errors have its code and words, and no arguments", () =>
        test((client) =>
          Effect.gen(function* () {
            yield* client.send("SET", [key(), "SECRET"])
            const error = yield* Effect.flip(client.send("INCR", [key()]))
            assert.strictEqual(error._tag, "CacheServerError")
            if (error._tag !== "CacheServerError") return
            assert.strictEqual(error.code, "ERR")
            assert.strictEqual(error.reply, "ERR value is not an integer or out of range")
            assert.isFalse(error.mayHaveExecuted)
            assert.notInclude(JSON.stringify(error) + error.message, "SECRET")
          })
        )
      )

      it.effect("an integer beyond 2^53 is refused, not rounded", () =>
        test((client) =>
          Effect.gen(function* () {
            yield* client.send("SET", [key(), 2n ** 60n])
            const error = yield* Effect.flip(client.send("INCR", [key()]))
            assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "OVERFLOW")
          })
        )
      )

      it.effect("what cannot be sent unchanged is refused before anything is sent", () =>
        test((client) =>
          Effect.gen(function* () {
            yield* client.send("SET", [key(), "1"])
            for (const arg of ["x\ud800", Number.NaN, 2 ** 60]) {
              assert.strictEqual((yield* Effect.flip(client.send("SET", [key(), arg])))._tag, "CacheInputError")
            }
            for (const timeout of [0, -1, Number.NaN]) {
              const error = yield* Effect.flip(client.send("SET", [key(), "2"], { timeout }))
              assert.deepInclude(error, { _tag: "CacheInputError", reason: "timeout must be a positive duration" })
            }
            const listening = Stream.runDrain(client.subscribe("fine", "lone \ud800"))
            assert.strictEqual((yield* Effect.flip(listening))._tag, "CacheInputError")
            for (const arg of [undefined, null, {}, [1]]) {
              assert.strictEqual(
                (yield* Effect.flip(client.send("SET", [key(), untyped(arg)])))._tag,
                "CacheInputError"
              )
            }
            assert.strictEqual(yield* client.send("GET", [key()]), "1")
          })
        )
      )

      it.effect("commands that would change or block everybody's connection are refused", () =>
        test((client) =>
          Effect.gen(function* () {
            const commands: ReadonlyArray<readonly [string, ReadonlyArray<string | number>]> = [
              ["SUBSCRIBE", ["c"]],
              ["MULTI", []],
              ["exec", []],
              ["SELECT", [1]],
              ["AUTH", ["x"]],
              ["HELLO", [3]],
              ["QUIT", []],
              ["MONITOR", []],
              ["BLPOP", ["q", 0]],
              ["XREAD", ["BLOCK", 0, "STREAMS", "s", "$"]],
              ["CLIENT", ["REPLY", "OFF"]],
              ["client", ["no-touch", "on"]],
              ["CLIENT", ["NO-EVICT", "on"]],
              ["CLIENT", ["SETNAME", "other"]],
              ["CLIENT", ["SETINFO", "lib-name", "other"]],
              ["CLIENT", ["TRACKING", "on"]],
              ["CLIENT", ["CACHING", "yes"]],
              ["CLIENT", ["CAPA", "redirect"]],
              ["CLIENT", ["OF-A-LATER-SERVER"]],
              ["READONLY", []],
              ["READWRITE", []],
              ["ASKING", []],
              ["RESET", []],
              ["SCRIPT", ["DEBUG", "YES"]],
              ["", []],
              ["GET k\r\n", []]
            ]
            for (const [name, args] of commands) {
              assert.strictEqual((yield* Effect.flip(client.send(name, args)))._tag, "CacheInputError", name)
              const [answer] = yield* client.pipeline([{ name, args }])
              assert.isTrue(answer !== undefined && Result.isFailure(answer), name)
              const failed = yield* Effect.flip(client.transaction([{ name, args }]))
              assert.strictEqual(failed._tag, "CacheInputError", name)
            }
          })
        )
      )
    })

    describe("pipeline", () => {
      it.effect("one result per command; a failing one does not fail its neighbours", () =>
        test((client) =>
          Effect.gen(function* () {
            const results = yield* client.pipeline([
              { name: "SET", args: [key(), "text"] },
              { name: "INCR", args: [key()] },
              { name: "GET", args: [key()], reply: "buffer" },
              { name: "SET", args: [key(), "x\ud800"] },
              { name: "GET", args: [key()] }
            ])
            assert.deepStrictEqual(results.map(Result.isSuccess), [true, false, true, false, true])
            assert.deepStrictEqual(results[2], Result.succeed(Buffer.from("text")))
            assert.deepStrictEqual(results[4], Result.succeed("text"))
            assert.deepStrictEqual(yield* client.pipeline([]), [])
          })
        )
      )

      it.effect("10 000 commands keep their order", () =>
        test((client) =>
          Effect.gen(function* () {
            const commands = Array.from({ length: 10_000 }, (_, i): Command => ({ name: "ECHO", args: [i] }))
            const results = yield* client.pipeline(commands)
            assert.deepStrictEqual(
              results,
              commands.map((_, i) => Result.succeed(String(i)))
            )
          })
        )
      )
    })

    describe("transaction", () => {
      it.effect("all replies, or none", () =>
        test((client) =>
          Effect.gen(function* () {
            const replies = yield* client.transaction([
              { name: "SET", args: [key(), 5] },
              { name: "INCR", args: [key()] },
              { name: "GET", args: [key()], reply: "buffer" }
            ])
            assert.deepStrictEqual(replies, ["OK", 6, Buffer.from("6")])
            assert.deepStrictEqual(yield* client.transaction([]), [])
            const refused = yield* Effect.flip(
              client.transaction([
                { name: "SET", args: [key(), 7] },
                { name: "GET", args: [] }
              ])
            )
            assert.strictEqual(refused._tag === "CacheServerError" ? refused.code : refused._tag, "EXECABORT")
            assert.include(refused.message, "(ERR)")
            assert.strictEqual(yield* client.send("GET", [key()]), "6")
          })
        )
      )

      it.effect("a command that fails while the others run says that they did", () =>
        test((client) =>
          Effect.gen(function* () {
            const [count, text] = [key("{same}count"), key("{same}text")]
            yield* client.send("SET", [text, "x"])
            const error = yield* Effect.flip(
              client.transaction([
                { name: "SET", args: [count, 1] },
                { name: "INCR", args: [text] },
                { name: "INCR", args: [count] }
              ])
            )
            assert.strictEqual(error._tag, "CacheServerError")
            assert.isTrue(error._tag === "CacheServerError" && error.mayHaveExecuted)
            assert.strictEqual(yield* client.send("GET", [count]), "2")
          })
        )
      )

      it.effect("nobody's command comes between", () =>
        test((client) =>
          Effect.gen(function* () {
            yield* client.send("SET", [key(), 0])
            const twice = client.transaction([
              { name: "INCR", args: [key()] },
              { name: "INCR", args: [key()] }
            ])
            const replies = yield* Effect.forEach(Array.from({ length: 200 }), () => twice, {
              concurrency: "unbounded"
            })
            for (const [first, second] of replies) assert.strictEqual(Number(second), Number(first) + 1)
          })
        )
      )
    })

    describe("eval", () => {
      it.effect("runs by its SHA, and again after the server forgot it", () =>
        test((client) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* client.eval(bump, [key()], [2]), 2)
            if (client.topology !== "memory") yield* client.send("SCRIPT", ["FLUSH"])
            const all = yield* Effect.forEach(Array.from({ length: 50 }), () => client.eval(bump, [key()], [2]), {
              concurrency: "unbounded"
            })
            assert.deepStrictEqual(
              all,
              Array.from({ length: 50 }, (_, i) => 4 + 2 * i)
            )
          })
        )
      )

      it.effect("a script's error is the server's error, without the script's name in it", () =>
        test((client) =>
          Effect.gen(function* () {
            yield* client.send("SET", [key(), "text"])
            const error = yield* Effect.flip(client.eval(bump, [key()], [1]))
            assert.deepInclude(error, {
              _tag: "CacheServerError",
              operation: "bump",
              reply: "ERR value is not an integer or out of range"
            })
          })
        )
      )
    })

    describe("scan", () => {
      it.effect("every key that stays comes, with globs, whole or in small pages", () =>
        test((client) =>
          Effect.gen(function* () {
            const keys = Array.from({ length: 500 }, (_, i) => key(`n${i}`))
            yield* client.pipeline(keys.map((key) => ({ name: "SET", args: [key, 1] })))
            for (const count of [undefined, 7]) {
              const found = yield* Stream.runCollect(client.scan({ match: key("n*"), count }))
              assert.deepStrictEqual([...new Set(found)].toSorted(), keys.toSorted())
            }
            assert.deepStrictEqual(yield* Stream.runCollect(client.scan({ match: key("*"), type: "hash" })), [])
          })
        )
      )

      it.effect("deleting while scanning misses nothing", () =>
        test((client) =>
          Effect.gen(function* () {
            const keys = Array.from({ length: 300 }, (_, i) => key(`n${i}`))
            yield* client.pipeline(keys.map((key) => ({ name: "SET", args: [key, 1] })))
            yield* Stream.runForEach(client.scan({ match: key("*"), count: 10 }), (key) => client.send("DEL", [key]))
            assert.deepStrictEqual(yield* Stream.runCollect(client.scan({ match: key("*") })), [])
          })
        )
      )
    })

    describe("subscribe", () => {
      it.effect("messages of all channels, in order", () =>
        test((client) =>
          Effect.gen(function* () {
            const [first, second] = [key("one"), key("two")]
            const heard: Array<readonly [string, string]> = []
            const fiber = yield* Effect.forkChild(
              Stream.runForEach(client.subscribe(first, second), ({ channel, message }) =>
                Effect.sync(() => heard.push([channel, message]))
              )
            )
            const messagesOf = (channel: string) =>
              heard.filter(([of, message]) => of === channel && message !== "probe").map(([, message]) => message)
            yield* untilHeard(client, first, () => heard.some(([channel]) => channel === first))
            yield* untilHeard(client, second, () => heard.some(([channel]) => channel === second))
            for (const message of ["b", "c", "d"]) yield* client.send("PUBLISH", [second, message])
            yield* client.send("PUBLISH", [key("other"), "x"])
            yield* client.send("PUBLISH", [first, ""])
            yield* pollUntil(Effect.sync(() => messagesOf(first).length === 1 && messagesOf(second).length === 3))
            yield* Fiber.interrupt(fiber)
            assert.deepStrictEqual([messagesOf(first), messagesOf(second)], [[""], ["b", "c", "d"]])
          })
        )
      )

      it.effect("ends with its fiber", () =>
        test((client) =>
          Effect.gen(function* () {
            const channel = key()
            let heard = 0
            const fiber = yield* Effect.forkChild(
              Stream.runForEach(client.subscribe(channel), () => Effect.sync(() => heard++))
            )
            yield* untilHeard(client, channel, () => heard > 0)
            yield* Fiber.interrupt(fiber)
            const before = heard
            yield* pollUntil(Effect.map(client.send("PUBLISH", [channel, "x"]), (receivers) => receivers === 0))
            assert.strictEqual(heard, before)
          })
        )
      )
    })

    describe("subscription", () => {
      it.effect("hears what is published once it is done", () =>
        test((client) =>
          Effect.scoped(
            Effect.gen(function* () {
              for (let i = 0; i < 20; i++) {
                const messages = yield* client.subscription(key(`first${i}`))
                yield* client.send("PUBLISH", [key(`first${i}`), i])
                assert.deepStrictEqual(
                  yield* Stream.runHead(messages),
                  Option.some({ channel: key(`first${i}`), message: String(i) })
                )
              }
            })
          )
        )
      )

      it.effect("patterns: each message once for each of them, with its name", () =>
        test((client) =>
          Effect.scoped(
            Effect.gen(function* () {
              const messages = yield* client.subscription([key("a?"), key("a[12]")], { kind: "pattern" })
              for (const name of ["a1", "b1", "a3"]) yield* client.send("PUBLISH", [key(name), name])
              const heard = yield* Stream.runCollect(Stream.take(messages, 3))
              assert.sameDeepMembers(heard, [
                { channel: key("a1"), message: "a1", pattern: key("a?") },
                { channel: key("a1"), message: "a1", pattern: key("a[12]") },
                { channel: key("a3"), message: "a3", pattern: key("a?") }
              ])
            })
          )
        )
      )

      it.effect("sharded channels hear SPUBLISH, and nothing of PUBLISH", () =>
        test((client) =>
          Effect.scoped(
            Effect.gen(function* () {
              const [one, two] = [key("{s}one"), key("{s}two")]
              const messages = yield* client.subscription([one, two], { kind: "sharded" })
              yield* client.send("PUBLISH", [one, "elsewhere"])
              assert.strictEqual(yield* client.send("SPUBLISH", [one, "1"]), 1)
              yield* client.send("SPUBLISH", [two, "2"])
              assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(messages, 2)), [
                { channel: one, message: "1" },
                { channel: two, message: "2" }
              ])
              const apart = client.subscription(["a", "b", "c"], { kind: "sharded" })
              if (client.topology === "cluster") {
                assert.strictEqual((yield* Effect.flip(apart))._tag, "CacheUnsupportedError")
              } else yield* apart
            })
          )
        )
      )

      it.effect("ends with its scope; what cannot be listened to is refused", () =>
        test((client) =>
          Effect.gen(function* () {
            const messages = yield* Effect.scoped(
              Effect.tap(client.subscription(key()), () => client.send("PUBLISH", [key(), "x"]))
            )
            assert.isAtMost((yield* Stream.runCollect(messages)).length, 1)
            yield* pollUntil(Effect.map(client.send("PUBLISH", [key(), "x"]), (receivers) => receivers === 0))
            for (const refused of [
              client.subscription([]),
              client.subscription("lone \ud800"),
              client.subscription(key(), { kind: untyped("other") })
            ]) {
              assert.strictEqual((yield* Effect.flip(Effect.scoped(refused)))._tag, "CacheInputError")
            }
          })
        )
      )
    })

    it.effect("dedicated carries commands of its own", () =>
      test((client) =>
        Effect.scoped(
          Effect.gen(function* () {
            const own = yield* client.dedicated
            assert.strictEqual(yield* own.send("SET", [key(), "v"]), "OK")
            assert.strictEqual(yield* client.send("GET", [key()]), "v")
            assert.strictEqual((yield* own.pipeline([{ name: "GET", args: [key()] }])).length, 1)
          })
        )
      )
    )

    it.effect("a command that waits is given up in the time that it was told, and what comes later is not taken", () =>
      test((client) =>
        TestClock.withLive(
          Effect.gen(function* () {
            const waiting = Effect.scoped(
              Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", [key(), 0], { timeout: "100 millis" }))
            )
            assert.deepInclude(yield* Effect.flip(waiting), {
              _tag: "CacheTimeoutError",
              phase: "command",
              timeout: 100,
              mayHaveExecuted: true
            })
            // A server hears of the end of a connection when it gets to it.
            yield* until("nobody who waits", client.info("clients"), (nodes) =>
              [...nodes.values()].every((fields) => (fields.get("blocked_clients") ?? "0") === "0")
            )
            yield* client.send("RPUSH", [key(), "x"])
            assert.strictEqual(yield* client.send("LLEN", [key()]), 1)
          })
        )
      )
    )

    it.effect("once a command was answered the state is Ready, as a value and as a stream", () =>
      test((client) =>
        Effect.gen(function* () {
          yield* client.send("PING", [])
          assert.deepStrictEqual(yield* client.state, { _tag: "Ready" })
          assert.deepStrictEqual(yield* Stream.runHead(client.states), Option.some({ _tag: "Ready" }))
        })
      )
    )

    it.effect("the slow log has commands of every node, and in memory there is none", () =>
      test((client) =>
        Effect.gen(function* () {
          if (client.topology === "memory") {
            return assert.strictEqual((yield* Effect.flip(client.slowLog()))._tag, "CacheUnsupportedError")
          }
          const nodes = yield* client.slowLog({ limit: 3 })
          assert.deepStrictEqual([...nodes.keys()].toSorted(), [...(yield* client.info()).keys()].toSorted())
          for (const commands of nodes.values()) {
            assert.isAtMost(commands.length, 3)
            for (const { at, clientName, command, duration, id } of commands) {
              assert.isAtLeast(id, 0)
              assert.isAbove(at, 1e12)
              assert.isAtLeast(Duration.toMillis(duration), 0)
              assert.isAtLeast(command.length, 1)
              assert.isString(clientName)
            }
          }
          assert.strictEqual((yield* Effect.flip(client.slowLog({ limit: 0 })))._tag, "CacheInputError")
        })
      )
    )

    it.effect("each server is asked by itself, and says by itself what it refuses", () =>
      test((client) =>
        Effect.gen(function* () {
          const answers = yield* client.sendToEach("CONFIG", ["GET", "maxmemory-policy"])
          if (client.topology === "memory") return assert.strictEqual(answers.size, 0)
          assert.deepStrictEqual([...answers.keys()].toSorted(), [...(yield* client.info()).keys()].toSorted())
          for (const answer of answers.values()) {
            assert.deepStrictEqual(answer, Result.succeed(["maxmemory-policy", "noeviction"]))
          }
          for (const answer of (yield* client.sendToEach("CONFIG", ["GET"])).values()) {
            assert.strictEqual(Result.isFailure(answer) && answer.failure._tag, "CacheServerError")
          }
          for (const answer of (yield* client.sendToEach("SUBSCRIBE", ["c"])).values()) {
            assert.strictEqual(Result.isFailure(answer) && answer.failure._tag, "CacheInputError")
          }
        })
      )
    )

    it.effect("info has the facts of every node", () =>
      test((client) =>
        Effect.gen(function* () {
          const nodes = [...(yield* client.info())]
          assert.isAbove(nodes.length, 0)
          for (const [, facts] of nodes) assert.isTrue(Number(facts.get("used_memory")) >= 0)
        })
      )
    )

    it.effect("spans say where commands went, and who answered", () =>
      test((client) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { spans, tracer } = spanRecorder()
            const cache = yield* cacheOver(client, { prefix: key(), policies: [Tracing.policy()] })
            const names = Array.from({ length: 50 }, (_, i) => `k${i}`)
            yield* Effect.gen(function* () {
              yield* cache.set("k0", "text")
              yield* cache.get("k0")
              yield* Effect.flip(cache.incr("k0"))
              yield* cache.transaction((queue) => [queue.set("k0", "other")])
              yield* TestClock.withLive(cache.lock("k0").withLock(Effect.void))
              yield* Effect.forEach(names, (name) => cache.set(name, 1), { concurrency: "unbounded" })
              yield* cache.getMany(names)
            }).pipe(Effect.withTracer(tracer))
            const nodes = [...(yield* client.info()).keys()]
            for (const { attributes, name } of spans) {
              const where = Object.fromEntries(
                [...attributes].filter(([attribute]) => /^(server|network|db\.namespace)/.test(attribute))
              )
              const { "network.peer.port": peer, "server.address": configured, "server.port": port } = where
              const isPath = nodes[0]?.startsWith("/") === true
              const server = {
                "db.namespace": isPath ? "3" : "0",
                "server.address": configured,
                ...(isPath ? {} : { "server.port": port })
              }
              const answered = isPath
                ? { "network.peer.address": configured }
                : { "network.peer.address": "127.0.0.1", "network.peer.port": peer }
              // The keys of many are on several servers.
              const isOfSeveral = name === "cache.getMany" && nodes.length > 1
              const expected =
                client.topology === "memory"
                  ? {}
                  : !isOfSeveral
                    ? { ...server, ...answered }
                    : // Each server of a ring has an address of its own.
                      client.topology === "ring"
                      ? { "db.namespace": "0" }
                      : server
              assert.deepStrictEqual(where, expected, name)
              if (client.topology === "memory" || isOfSeveral) continue
              assert.include(isPath ? nodes : ["127.0.0.1", "localhost"], configured)
              assert.strictEqual(typeof port, isPath ? "undefined" : "number")
              if (name === "cache.set" && !isPath) {
                assert.isTrue(
                  nodes.some((node) => node.endsWith(`:${String(peer)}`)),
                  `${String(peer)} in ${nodes.join()}`
                )
              }
            }
            assert.deepStrictEqual(
              spans.slice(0, 6).map(({ name }) => name),
              ["set", "get", "incr", "transaction", "lock.acquire", "lock.release"].map((name) => `cache.${name}`)
            )
          })
        )
      )
    )

    it.effect("10 000 commands at once are all answered", () =>
      test((client) =>
        Effect.gen(function* () {
          const gate = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: 10_000 }),
              (_, i) => Effect.andThen(Deferred.await(gate), client.send("ECHO", [i])),
              { concurrency: "unbounded" }
            )
          )
          yield* Deferred.succeed(gate, undefined)
          const replies = yield* Fiber.join(fiber)
          assert.deepStrictEqual(
            replies,
            replies.map((_, i) => String(i))
          )
        })
      )
    )
  })
}

/** As a program without types would pass it. */
const untyped = (arg: unknown): never => arg as never

/** Messages to nobody are lost, so a test first publishes until somebody hears. */
const untilHeard = (client: ValkeyClient["Service"], channel: string, isHeard: () => boolean) =>
  pollUntil(Effect.map(client.send("PUBLISH", [channel, "probe"]), isHeard))

/** On real time, whatever clock the test has. */
const pollUntil = <E>(condition: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.flatMap(condition, (met) =>
    met
      ? Effect.void
      : Effect.andThen(
          Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5))),
          pollUntil(condition)
        )
  )
