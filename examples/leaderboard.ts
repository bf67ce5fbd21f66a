/** A leaderboard on a sorted set. `npm run example examples/leaderboard.ts` */
import { Effect, Option, Schema } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "leaderboard" }).withSchema(Schema.String)
  yield* cache.clear
  const board = cache.sortedSet("2026-11")
  yield* board.add([
    ["ada", 120],
    ["bob", 95],
    ["eve", 143],
    ["dan", 77]
  ])
  yield* cache.expire("2026-11", "40 days")

  // Points come in; only a better time counts in another board.
  yield* board.incr("bob", 60)
  const fastest = cache.sortedSet("fastest")
  yield* fastest.add([["ada", 61.2]], { when: "less" })
  yield* fastest.add([["ada", 63.9]], { when: "less" })

  const top = yield* board.rangeWithScores(0, 2, { reverse: true })
  for (const [i, [name, points]] of top.entries()) console.log(`${i + 1}. ${name} ${points}`)
  const place = Option.getOrThrow(yield* board.rank("dan", { reverse: true }))
  console.log("dan is number", place + 1, "of", yield* board.size)
  console.log("between 90 and 130:", yield* board.countByScore(90, 130))
  console.log("fastest:", Option.getOrNull(yield* fastest.score("ada")))
  yield* cache.clear
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// 1. bob 155
// 2. eve 143
// 3. ada 120
// dan is number 4 of 4
// between 90 and 130: 1
// fastest: 61.2
