/** Replies of the wrong shape: who answers so is not the server that we think it is, and that is an error, never a value. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Result } from "effect"
import {
  CacheLive,
  CacheService,
  type Reply,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyMemory
} from "effect-vcache"
import { scanPageWith, scansOf, scanWith } from "../../src/layers/commands/scan.ts"
import { operations, sessionOperations, structureOperations } from "../support/operations.ts"

/** A cache whose server answers so, whatever it is asked. */
const answering = (reply: Reply) =>
  Effect.gen(function* () {
    const memory = yield* ValkeyClient
    const send = () => Effect.succeed(reply)
    const pipeline: ValkeyClientShape["pipeline"] = (commands) =>
      Effect.succeed(commands.map(() => Result.succeed(reply)))
    const client: ValkeyClientShape = {
      ...memory,
      send,
      request: (_name, _args, use) => use(reply),
      pipeline,
      transaction: (commands) => Effect.succeed(commands.map(() => reply)),
      eval: send,
      ...scansOf(scanWith(send)),
      scanPage: scanPageWith(send),
      dedicated: Effect.succeed({ send, pipeline })
    }
    const live = Layer.provide(Layer.fresh(CacheLive), Layer.succeed(ValkeyClient, client))
    return Context.get(yield* Layer.build(live), CacheService)
  }).pipe(Effect.provide(ValkeyMemory.layer()))

/** No command has it. */
const nonsense: Reply = [[[["a"]]]]

/** Each is an answer to some commands, and to most of them none. */
const replies: ReadonlyArray<Reply> = [
  nonsense,
  null,
  -3,
  7,
  "",
  "text",
  "OK",
  Buffer.from([0xc1, 0xff]),
  [],
  [null],
  ["a"],
  ["0", "1"],
  [1, "2", Buffer.from("3")],
  ["0-0", [["1-1"]], ["x"]],
  [
    ["a", "b"],
    ["c", ["d", 4]]
  ]
]

const coordination: Readonly<Record<string, (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown>>> = {
  lock: (cache) => Effect.scoped(cache.lock("l").acquire),
  "lock.restore": (cache) => Effect.scoped(cache.lock("l").restore("token")),
  "lock.forceRelease": (cache) => cache.lock("l").forceRelease,
  "lock.isLocked": (cache) => cache.lock("l").isLocked,
  semaphore: (cache) => cache.semaphore("s", { permits: 1 }).withPermits(1)(Effect.void),
  "semaphore.available": (cache) => cache.semaphore("s", { permits: 1 }).available
}

const everything = [
  ...Object.entries(operations).map(([name, { call }]) => ({ name, call })),
  ...Object.entries(coordination).map(([name, call]) => ({ name, call })),
  ...structureOperations,
  ...sessionOperations
]

/** What a lookup found is given to who asked, whatever becomes of storing it. */
const storesOnly: ReadonlySet<string> = new Set(["refresh"])

describe("a reply of the wrong shape", () => {
  for (const { call, name } of everything) {
    it.live(`${name} fails with a typed error, and dies of none`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          for (const reply of replies) {
            const exit = yield* Effect.exit(call(yield* answering(reply)))
            assert.isFalse(Exit.hasDies(exit), `${JSON.stringify(reply)}: ${String(exit)}`)
            if (reply === nonsense && !storesOnly.has(name)) {
              assert.deepInclude(Option.getOrThrow(Exit.findErrorOption(exit)), {
                _tag: "CacheConnectionError",
                code: "PROTOCOL",
                mayHaveExecuted: true
              })
            }
          }
        })
      )
    )
  }

  it.live("a server that answers a PING so is not ready", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { error, ready } = yield* (yield* answering(nonsense)).health
        assert.isFalse(ready)
        assert.deepInclude(Option.getOrThrow(error), { code: "PROTOCOL" })
        assert.isTrue((yield* (yield* answering("PONG")).health).ready)
      })
    )
  )

  it.live("numbers are not read out of texts that are none", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const empty = yield* answering("")
        const other = yield* answering(["x"])
        for (const effect of [
          empty.incrFloat("k", 1),
          empty.hash("h").incrFloat("f", 1),
          empty.sortedSet("z").incr(1, 1),
          other.sortedSet("z").scores([1])
        ] as ReadonlyArray<Effect.Effect<unknown, unknown>>) {
          assert.deepInclude(yield* Effect.flip(effect), { code: "PROTOCOL" })
        }
      })
    )
  )
})
