/**
 * The cache in memory and on servers: the same calls of its operations, with proper arguments and with bad ones, give the
 * same values and the same typed errors, and nothing dies. `CALL_RUNS` and `CALL_SEED` change how many sequences, and which.
 */
import { inspect } from "node:util"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Schema } from "effect"
import { CacheLive, CacheMemory, CacheService, Cipher, Compressor, Serializer, ValkeyUrl } from "effect-vcache"
import { callSequence } from "../support/callArbitrary.ts"
import { fleets } from "../support/fleets.ts"
import { keyOf } from "../support/formats.ts"

const runsOf = (fleet: string) => Number(process.env["CALL_RUNS"] ?? (fleet === "one server" ? 2000 : 500))
const seed = process.env["CALL_SEED"] ?? "effect-vcache"

/** All in one slot of a cluster, which elsewhere is nothing special. */
const prefix = "{calls}"

const compressor = Compressor.zstd({ threshold: 0 })
const cipher = Cipher.aes256gcm([keyOf(1)])
const formats = [{}, { serializer: Serializer.msgpack }, { compressor }, { cipher }, { compressor, cipher }]

const inMemory = Effect.map(Layer.build(Layer.fresh(CacheMemory)), Context.get(CacheService))

const ofTheServer: ReadonlySet<string> = new Set(["node", "topology", "cause"])

const shown = (exit: Exit.Exit<unknown, unknown>): string => {
  assert.isFalse(Exit.hasDies(exit), String(exit))
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (error === undefined) return inspect(exit, { depth: 10 })
  return inspect(Object.entries(Object(error)).filter(([name]) => !ofTheServer.has(name)))
}

for (const [name, start] of fleets) {
  const runs = runsOf(name)
  const onServers = Layer.provide(
    Layer.fresh(CacheLive),
    Layer.unwrap(Effect.map(start, ({ url }) => ValkeyUrl.layer(url)))
  )
  layer(onServers, { excludeTestServices: true })(`the cache in memory and on ${name}`, (it) => {
    it.effect.prop(
      `agree on ${runs} sequences of calls`,
      [callSequence, Schema.Literals(formats.map((_, i) => i))],
      ([calls, format]) =>
        Effect.scoped(
          Effect.gen(function* () {
            const options = { ...formats[format], prefix }
            const servers = (yield* CacheService).withOptions(options)
            const memory = (yield* inMemory).withOptions(options)
            yield* servers.flushAll
            for (const { name, run } of calls) {
              const expected = shown(yield* Effect.exit(run(servers)))
              const found = shown(yield* Effect.exit(run(memory)))
              assert.strictEqual(found, expected, `${name} of ${calls.map(({ name }) => name).join()}: ${found}`)
            }
          })
        ),
      { timeout: 300_000, arbitrary: { runs, seed, size: 20 } }
    )
  })
}
