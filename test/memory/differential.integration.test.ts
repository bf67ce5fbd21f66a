/**
 * The memory store against a real server: the same commands, reply for reply, error text for error text.
 * `DIFFERENTIAL_RUNS` and `DIFFERENTIAL_SEED` change how many sequences are compared, and which.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import {
  type CacheError,
  type Command,
  type PipelineResults,
  type Reply,
  ValkeyClient,
  ValkeyMemory,
  ValkeyStandalone
} from "effect-vcache"
import { commandSequence, fieldLifetimeSequence, structureSequences } from "../support/commandArbitrary.ts"
import { startServer, startServerWith } from "../support/ValkeyServer.ts"

const runs = Number(process.env["DIFFERENTIAL_RUNS"] ?? 4000)
const seed = process.env["DIFFERENTIAL_SEED"] ?? "effect-vcache"

const server = Layer.unwrap(
  Effect.gen(function* () {
    const { call, url } = yield* startServer()
    if (!/valkey_version:8\./.test(String(yield* call("INFO", "server")))) {
      return yield* Effect.die(
        "the memory store is compared with a Valkey 8, others answer otherwise: set VALKEY_SERVER"
      )
    }
    return ValkeyStandalone.layer({ url, commandTimeout: "1 minute" })
  })
)

const laterServer = Layer.unwrap(
  Effect.map(startServerWith({ later: true }), ({ url }) => ValkeyStandalone.layer({ url, commandTimeout: "1 minute" }))
)

/** A store of the test's own; `it.live` gives it the machine's clock, as the server has. */
const memoryClient = Effect.map(Layer.build(Layer.fresh(ValkeyMemory.layer())), (context) =>
  Effect.runSync(Effect.provideContext(ValkeyClient, context))
)

const unordered: ReadonlySet<string> = new Set([
  "KEYS",
  "SMEMBERS",
  "SUNION",
  "SINTER",
  "SDIFF",
  "SPOP",
  "SRANDMEMBER",
  "ZRANDMEMBER",
  "HRANDFIELD"
])

/** Where time passes between the two, or the order is not defined, replies are brought into one form. */
const comparable = ({ args, name }: Command, result: PipelineResults[number]): unknown => {
  if (Result.isFailure(result)) return describeError(result.failure)
  const reply = result.success
  if (unordered.has(name)) return sorted(reply)
  if ((name === "SCAN" || name === "SSCAN") && Array.isArray(reply)) return [String(reply[0]), sorted(reply[1])]
  // To ten seconds.
  const unit = { TTL: 1, PTTL: 1000, EXPIRETIME: 1, PEXPIRETIME: 1000 }[name.replace(/^H/, "")]
  if (unit !== undefined) {
    return Array.isArray(reply) ? reply.map((time: Reply) => toTenSeconds(time, unit)) : toTenSeconds(reply, unit)
  }
  if (/^GEO(SEARCH|RADIUS)/.test(name) && Array.isArray(reply)) return placesOf(args, reply)
  if (name === "XINFO") return infoOf(reply)
  if (name === "XPENDING") return pendingOf(reply)
  return reply
}

/** Where nothing says otherwise, and where two are as far away, their order is not defined; their distances are in order. */
const placesOf = (args: Command["args"], reply: ReadonlyArray<Reply>): unknown => {
  const words = new Set(args.map((arg) => String(arg).toUpperCase()))
  const isOrdered = words.has("WITHDIST") && (words.has("ASC") || words.has("DESC"))
  return [
    isOrdered ? reply.map((one) => (Array.isArray(one) ? String(one[1]) : "")) : [],
    reply.map((one) => JSON.stringify(textIn(one))).toSorted()
  ]
}

const textIn = (reply: Reply): unknown => (Array.isArray(reply) ? reply.map(textIn) : String(reply))

/** A hash with lifetimes in it has no order. */
const comparableFields = (command: Command, result: PipelineResults[number]): unknown => {
  const compared = comparable(command, result)
  if (Result.isFailure(result) || !Array.isArray(compared)) return compared
  if (command.name === "HKEYS" || command.name === "HVALS") return sorted(result.success)
  if (command.name === "HGETALL") return sortedPairs(compared)
  return command.name === "HSCAN" && Array.isArray(compared[1])
    ? [
        String(compared[0]),
        command.args.some((arg) => /^novalues$/i.test(String(arg)))
          ? compared[1].map(String).toSorted()
          : sortedPairs(compared[1])
      ]
    : compared
}

const sortedPairs = (all: ReadonlyArray<unknown>): unknown =>
  all.flatMap((name, i) => (i % 2 === 0 ? [`${String(name)} ${String(all[i + 1])}`] : [])).toSorted()

/** How a server lays a stream out is its own affair; how long something has been idle is told to ten seconds, and when it was, not at all. */
const infoOf = (reply: Reply | undefined): unknown => {
  if (!Array.isArray(reply)) return reply
  if (reply.every(Array.isArray)) return reply.map(infoOf)
  const pairs = reply.flatMap((item: Reply, i) => (i % 2 === 0 ? [[String(item), reply[i + 1]] as const] : []))
  return pairs.filter(([name]) => !name.startsWith("radix-tree")).map(([name, value]) => [name, factOf(name, value)])
}

const factOf = (name: string, value: Reply | undefined): unknown => {
  if (name === "idle" || name === "inactive") return toTenSeconds(value)
  if (name === "seen-time" || name === "active-time") return Number(value) > 0
  if (name === "groups" || name === "consumers") return infoOf(value)
  // Without the time of the delivery, which comes before the count.
  return name === "pending" && Array.isArray(value)
    ? value.map((item) => (Array.isArray(item) ? item.filter((_, i) => i !== item.length - 2) : item))
    : value
}

const pendingOf = (reply: Reply): unknown =>
  Array.isArray(reply) && Array.isArray(reply[0])
    ? reply.map((item) => (Array.isArray(item) ? [item[0], item[1], toTenSeconds(item[2]), item[3]] : item))
    : reply

/** `unit` is how many of them are a second. */
const toTenSeconds = (time: unknown, unit = 1000) =>
  typeof time === "number" && time > 0 ? Math.round(time / unit / 10) : time

const sorted = (reply: Reply | undefined): unknown => (Array.isArray(reply) ? reply.map(String).toSorted() : reply)

const describeError = (error: CacheError): string =>
  error._tag === "CacheServerError" ? `${error.reply} ${error.mayHaveExecuted}` : error._tag

const flush: Command = { name: "FLUSHDB", args: ["SYNC"] }

const assertSame = (
  commands: ReadonlyArray<Command>,
  expected: ReadonlyArray<unknown>,
  actual: ReadonlyArray<unknown>
) => {
  commands.forEach((command, i) => {
    assert.deepStrictEqual(
      actual[i],
      expected[i],
      `${i}: ${command.name} ${JSON.stringify(command.args)} ${JSON.stringify(expected[i])} ${JSON.stringify(actual[i])}`
    )
  })
}

const sameReplies =
  (comparable: (command: Command, result: PipelineResults[number]) => unknown) =>
  ([commands]: readonly [ReadonlyArray<Command>]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const real = yield* ValkeyClient
        const memory = yield* memoryClient
        const expected = (yield* real.pipeline([flush, ...commands])).slice(1)
        const actual = yield* memory.pipeline(commands)
        const compare = (results: PipelineResults) => results.map((result, i) => comparable(commands[i]!, result))
        assertSame(commands, compare(expected), compare(actual))
      })
    )

const often = { timeout: 300_000, arbitrary: { runs, seed, concurrency: 16, size: 12 } }

/** Of those that take long each, or are rarely changed, there are fewer. */
const costly: ReadonlySet<string> = new Set(["bits", "places", "sketches"])
const seldom = { ...often, arbitrary: { ...often.arbitrary, runs: Math.ceil(runs / 4) } }

layer(laterServer, { excludeTestServices: true })("the memory store and a Valkey 9", (it) => {
  it.effect.prop(
    `agree on ${seldom.arbitrary.runs} sequences about fields that end`,
    [fieldLifetimeSequence],
    sameReplies(comparableFields),
    seldom
  )
})

layer(server, { excludeTestServices: true })("the memory store and a server", (it) => {
  it.effect.prop(`agree on ${runs} generated sequences`, [commandSequence], sameReplies(comparable), often)

  for (const [name, sequence] of Object.entries(structureSequences)) {
    const { arbitrary, timeout } = costly.has(name) ? seldom : often
    it.effect.prop(`agree on ${arbitrary.runs} sequences about ${name}`, [sequence], sameReplies(comparable), {
      timeout,
      arbitrary
    })
  }

  it.effect.prop(
    "agree on transactions",
    [commandSequence],
    ([commands]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const real = yield* ValkeyClient
          const memory = yield* memoryClient
          const outcome = (client: typeof real) =>
            Effect.map(Effect.result(client.transaction(commands)), (result) =>
              Result.isFailure(result)
                ? describeError(result.failure)
                : result.success.map((reply, i) => comparable(commands[i]!, Result.succeed(reply)))
            )
          yield* real.send("FLUSHDB", [])
          const expected = yield* outcome(real)
          assert.deepStrictEqual(yield* outcome(memory), expected, JSON.stringify(commands))
        })
      ),
    { timeout: 300_000, arbitrary: { runs: Math.ceil(runs / 10), seed } }
  )
})
