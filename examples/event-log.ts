/** An event log on a stream: the events make the state, and a reader that was away reads the events that it missed. `npm run example examples/event-log.ts` */
import { Effect, Fiber, Option, Schema, Stream } from "effect"
import { CacheFromConfig, CacheService, type StreamEntry } from "effect-vcache"

const Amount = Schema.Struct({ account: Schema.String, cents: Schema.Int })

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "event-log" }).withSchema(Amount)
  yield* cache.clear
  const log = cache.stream("payments")

  const pay = (account: string, cents: number) =>
    Effect.map(log.add({ paid: { account, cents } }, { maxLength: 1000, approximate: true }), Option.getOrThrow)

  const balances = (entries: Iterable<StreamEntry<typeof Amount.Type>>) => {
    const sums: Record<string, number> = {}
    for (const { fields } of entries) {
      for (const { account, cents } of fields.values()) sums[account] = (sums[account] ?? 0) + cents
    }
    return sums
  }

  // Follows from now on, while events come.
  const following = yield* Effect.forkChild(Stream.runCollect(Stream.take(log.follow({ after: "0" }), 4)))
  yield* pay("ada", 1000)
  const seen = yield* pay("bob", 250)
  yield* pay("ada", -300)
  yield* pay("eve", 75)

  console.log("from the beginning", balances(yield* log.range()))
  console.log("missed since then", balances(yield* log.range(`(${seen}`)))
  console.log("the last two", (yield* log.range("-", "+", { reverse: true, count: 2 })).length)
  console.log("followed", balances(yield* Fiber.join(following)))
  console.log("kept", yield* log.size, "of", (yield* log.info).entriesAdded)
  yield* cache.clear
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// from the beginning { ada: 700, bob: 250, eve: 75 }
// missed since then { ada: -300, eve: 75 }
// the last two 2
// followed { ada: 700, bob: 250, eve: 75 }
// kept 4 of 4
