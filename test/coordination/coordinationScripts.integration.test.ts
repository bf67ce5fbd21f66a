/** The scripts of locks and semaphores against their twins: the same calls, the same answers. */
import { assert, layer } from "@effect/vitest"
import { Arbitrary, Effect, Layer, Schema } from "effect"
import { type Reply, type Script, ValkeyClient, ValkeyMemory, ValkeyStandalone } from "effect-vcache"
import {
  acquireArguments,
  acquireScript,
  extendScript,
  forceReleaseScript,
  isLockedScript,
  releaseScript,
  resumeScript
} from "../../src/services/cache/coordination/lockScripts.ts"
import {
  acquirePermitsScript,
  availableScript,
  extendPermitsScript,
  releasePermitsScript
} from "../../src/services/cache/coordination/semaphoreScripts.ts"
import { startServer } from "../support/ValkeyServer.ts"

const server = Layer.unwrap(Effect.map(startServer(), ({ url }) => ValkeyStandalone.layer({ url })))

const memoryClient = Effect.map(Layer.build(Layer.fresh(ValkeyMemory.layer())), (context) =>
  Effect.runSync(Effect.provideContext(ValkeyClient, context))
)

interface Call {
  readonly script: Script
  readonly args: ReadonlyArray<string | number>
}

const callOf = (script: Script, ...args: ReadonlyArray<Schema.Schema<string | number>>) =>
  Arbitrary.map(Arbitrary.schema(Schema.Tuple(args)), (args): Call => ({ script, args }))

const token = Schema.Literals(["a", "b", "c"])
const long = Schema.Literals([1_000_000, 5_000_000])
const lockCalls = [
  callOf(acquireScript, token, long, Schema.Literal(90_000_000)),
  callOf(acquireScript, token, long, Schema.Literal(90_000_000), Schema.Literal("1")),
  callOf(extendScript, token, Schema.Literals([0, 2_000_000, ""]), Schema.Literals([0, 3_000_000])),
  callOf(releaseScript, token, Schema.Literal("channel")),
  callOf(resumeScript, token, Schema.Literals([2_000_000, ""])),
  callOf(forceReleaseScript, Schema.Literal("channel")),
  callOf(isLockedScript)
]

const permits = Schema.Literals([3, 3, 5])
const channel = Schema.Literal("channel")
const member = Schema.Literals(["a:1", "b:2", "c:3", "d:1", "e:1"])
const semaphoreCalls = [
  callOf(acquirePermitsScript, permits, channel, member, long, Schema.Literals([0, 4_000_000])),
  callOf(acquirePermitsScript, permits, channel, member, long, Schema.Literals([0, 4_000_000])),
  callOf(extendPermitsScript, permits, channel, member, Schema.Literals([0, 2_000_000]), long),
  callOf(releasePermitsScript, permits, channel, member),
  callOf(availableScript, permits, channel)
]

const sequenceOf = (calls: ReadonlyArray<Arbitrary.Arbitrary<Call>>) =>
  Arbitrary.array(
    Arbitrary.flatMap(Arbitrary.schema(Schema.Literals(calls.map((_, i) => i))), (i) => calls[i] ?? calls[0]!),
    { minLength: 1, maxLength: 20 }
  )

/** Times to a hundred seconds; fences by whether there is one. */
const comparable = (reply: Reply): unknown => {
  if (typeof reply === "string" && reply.length > 10) return "a fence"
  return typeof reply === "number" && reply > 100 ? Math.round(reply / 100_000) : reply
}

const keys = ["right", "right:{right}:a", "right:{right}:b"]

layer(server, { excludeTestServices: true })("scripts and their twins", (it) => {
  for (const [name, calls, keyCount] of [
    ["locks", lockCalls, 2],
    ["semaphores", semaphoreCalls, 3]
  ] as const) {
    it.effect.prop(
      `agree about ${name}`,
      [sequenceOf(calls)],
      ([sequence]) =>
        Effect.scoped(
          Effect.gen(function* () {
            const real = yield* ValkeyClient
            const memory = yield* memoryClient
            yield* real.send("FLUSHDB", [])
            for (const { args, script } of sequence) {
              const replies = yield* Effect.forEach([real, memory], (client) =>
                Effect.map(client.eval(script, keys.slice(0, keyCount), args), comparable)
              )
              assert.deepStrictEqual(replies[1], replies[0], `${script.name} ${JSON.stringify(args)}`)
            }
            const left = yield* Effect.forEach([real, memory], (client) => client.send("EXISTS", keys))
            assert.deepStrictEqual(left[1], left[0])
          })
        ),
      { timeout: 120_000, arbitrary: { runs: 1000, seed: "effect-vcache", size: 12 } }
    )
  }

  it.effect("agree about fences that are ahead of the clock, older, shorter, or marked by who waits", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const real = yield* ValkeyClient
        const memory = yield* memoryClient
        const [lock, fence] = keys.slice(0, 2)
        for (const [last, next] of [
          ["9000000000000000", "9000000000000001"],
          ["9000000000000000w", "9000000000000001"],
          ["1500000000000000", undefined],
          ["1500000000000000w", undefined],
          ["7", undefined],
          ["0w", undefined]
        ] as const) {
          for (const client of [real, memory]) {
            yield* client.send("DEL", [lock!])
            yield* client.send("SET", [fence!, last])
            const granted = String(
              yield* client.eval(acquireScript, [lock!, fence!], acquireArguments("a", 30_000, true))
            )
            const stored = yield* client.send("GET", [fence!])
            assert.strictEqual(stored, last.endsWith("w") ? `${granted}w` : granted)
            assert.isAbove(Number(yield* client.send("PTTL", [fence!])), 24 * 60 * 60 * 1000)
            if (next === undefined) assert.isAbove(Number(granted), 1.6e15)
            else assert.strictEqual(granted, next)
          }
        }
      })
    )
  )
})
