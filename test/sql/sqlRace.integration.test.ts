/** Processes over one database and one server see no result that is older than the last write that returned. `npm run sql` does more of it. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { type SqlEvent, violationsIn } from "../support/sql/sqlHistory.ts"
import { sqlRace } from "../support/sql/sqlRace.ts"
import { startServer } from "../support/ValkeyServer.ts"

const race = (isPlanted: boolean) =>
  Effect.gen(function* () {
    const { url } = yield* startServer()
    return yield* sqlRace(url, { processes: 2, fibers: 4, steps: 100, isPlanted, seed: "suite" })
  })

/** The same history with one read that saw what stood before the last write that it must see. */
const withStaleReads = (events: ReadonlyArray<SqlEvent>): ReadonlyArray<ReadonlyArray<SqlEvent>> =>
  events.flatMap((event, at) => {
    if (event._tag !== "Read" || !("first" in event.values)) return []
    const known = events.filter(
      (write) => write._tag === "Write" && write.table === "first" && write.ended <= event.began
    )
    const must = Math.max(0, ...known.map((write) => (write._tag === "Write" ? write.value : 0)))
    return must === 0 ? [] : [events.with(at, { ...event, values: { ...event.values, first: must - 1 } })]
  })

it.live("two processes read what was last written, mostly from the cache", () =>
  Effect.gen(function* () {
    const { asked, events, reads } = yield* race(false)
    assert.deepStrictEqual(violationsIn(events).slice(0, 3), [])
    assert.isAbove(events.filter(({ _tag }) => _tag === "Write").length, 50)
    assert.isAbove(events.filter(({ _tag }) => _tag === "OwnRead").length, 20)
    assert.isBelow(asked, reads * 0.9)
    const histories = withStaleReads(events)
    assert.isAbove(histories.length, 100)
    // The checker finds each of some violations that were put in.
    for (const history of histories.filter((_, i) => i % 40 === 0)) {
      assert.deepStrictEqual(
        violationsIn(history).map(({ reason }) => reason),
        ["stale"]
      )
    }
  })
)

it.live("a table that is written behind the cache's back is found out", () =>
  Effect.gen(function* () {
    const { events } = yield* race(true)
    const found = violationsIn(events)
    assert.include(
      found.map(({ reason }) => reason),
      "stale"
    )
    for (const { event } of found) {
      assert.isTrue(event._tag === "Read" ? "second" in event.values : event.table === "second")
    }
  })
)
