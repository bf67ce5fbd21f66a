/**
 * The cache in memory and on a server: the same calls of its operations, with proper arguments and with bad ones, give the
 * same values and the same typed errors, and nothing dies. `CALL_RUNS` and `CALL_SEED` change how many sequences, and which.
 */
import { inspect } from "node:util"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option } from "effect"
import { CacheLive, CacheMemory, CacheService, ValkeyStandalone } from "effect-vcache"
import { callSequence } from "./support/callArbitrary.ts"
import { startServer } from "./support/ValkeyServer.ts"

const runs = Number(process.env["CALL_RUNS"] ?? 3000)
const seed = process.env["CALL_SEED"] ?? "effect-vcache"

const onServer = Layer.provide(
  CacheLive,
  Layer.unwrap(Effect.map(startServer(), ({ url }) => ValkeyStandalone.layer({ url })))
)
const inMemory = Effect.map(Layer.build(Layer.fresh(CacheMemory)), Context.get(CacheService))

const shown = (exit: Exit.Exit<unknown, unknown>): string => {
  assert.isFalse(Exit.hasDies(exit), String(exit))
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (error === undefined) return inspect(exit, { depth: 10 })
  const fields = Object.entries(Object(error)).filter(([name]) => name !== "node" && name !== "cause")
  return JSON.stringify(fields)
}

layer(onServer, { excludeTestServices: true })("the cache in memory and on a server", (it) => {
  it.effect.prop(
    `agree on ${runs} sequences of calls`,
    [callSequence],
    ([calls]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const server = yield* CacheService
          const memory = yield* inMemory
          yield* server.flushAll
          for (const { name, run } of calls) {
            const expected = shown(yield* Effect.exit(run(server)))
            const found = shown(yield* Effect.exit(run(memory)))
            assert.strictEqual(
              found,
              expected,
              `${name} of ${calls.map(({ name }) => name).join()}: ${found} ${expected}`
            )
          }
        })
      ),
    { timeout: 300_000, arbitrary: { runs, seed, size: 20 } }
  )
})
