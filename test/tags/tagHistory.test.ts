/**
 * Generated histories: callers in two processes, a source that changes, invalidations, records that are lost.
 * HISTORIES=400 npx vitest run test/tags/tagHistory.test.ts runs that many; SEED chooses others.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CacheLive, CacheService, type TypedCache, ValkeyClient, ValkeyMemory } from "effect-vcache"
import { Dice } from "../support/Dice.ts"

const histories = Number(process.env["HISTORIES"] ?? 6)
const seed = process.env["SEED"] ?? "19"
const stepsEach = 250
const keys = ["a", "b", "c"]

/** What is read of a key: its version, and the tags of that version. */
interface Row {
  readonly version: number
  readonly key: string
}

/** Two caches over one store, which know nothing of each other, as in two processes. */
const processes = Effect.gen(function* () {
  const client = yield* ValkeyClient
  const cacheOver = (client: Effect.Success<typeof ValkeyClient>) =>
    Effect.flatMap(
      Layer.build(Layer.provide(CacheLive.layer({ prefix: "p" }), Layer.succeed(ValkeyClient, client))),
      (context) => Effect.provideContext(CacheService, context)
    )
  return yield* Effect.all([cacheOver({ ...client }), cacheOver({ ...client })])
})

/** Returns what was read that should not have been, and how many lookups were spared. */
const history = (dice: Dice) =>
  Effect.gen(function* () {
    const caches = yield* processes
    const one = <A>(items: ReadonlyArray<A>): A => dice.pick(items)
    /** The source, and what is the least that readers may be given. */
    const source = new Map(keys.map((key) => [key, 0]))
    const floor = new Map(keys.map((key) => [key, 0]))
    const pause = Effect.suspend(() => Effect.repeat(Effect.yieldNow, { times: dice.below(12) }))
    const tagsOf = ({ key, version }: Row) => [`key:${key}`, `version:${key}:${version % 3}`, "all"]
    const given = (key: string) => [`key:${key}`, "all"]
    const violations: Array<string> = []
    let fromCache = 0
    let lookups = 0

    const lookup = (key: string): Effect.Effect<Row> =>
      Effect.suspend(() => {
        lookups++
        return Effect.andThen(
          pause,
          Effect.suspend(() => {
            const row = { key, version: source.get(key)! }
            return Effect.as(pause, row)
          })
        )
      })
    const judge = (how: string, key: string, least: number, row: unknown) => {
      const { version } = row as Row
      if (version < least) violations.push(`${how} ${key}: ${version} is served, and ${least} is the least`)
    }
    const read = (cache: TypedCache<unknown>): Effect.Effect<unknown, unknown> => {
      const key = one(keys)
      const least = floor.get(key)!
      const before = lookups
      switch (dice.below(6)) {
        case 0:
          return Effect.map(cache.get(key), (found) => {
            if (found._tag === "Some") judge("get", key, least, found.value)
          })
        case 1: {
          const leasts = new Map(floor)
          return Effect.map(cache.getMany(keys), (found) => {
            for (const [key, row] of found) judge("getMany", key, leasts.get(key)!, row)
          })
        }
        case 2:
          return Effect.map(cache.getOrSet(key, lookup(key), { tags: given(key), singleFlight: "cluster" }), (row) =>
            judge("getOrSet cluster", key, least, row)
          )
        case 3:
          return Effect.map(cache.getOrSet(key, lookup(key), { tags: given(key) }), (row) => {
            if (lookups === before) fromCache++
            judge("getOrSet", key, least, row)
          })
        case 4:
          return Effect.map(
            cache.getOrSetMany(
              [key],
              (missing) => Effect.forEach(missing, (key) => Effect.map(lookup(key), (row) => [key, row] as const)),
              { tags: given(key) }
            ),
            (found) => judge("getOrSetMany", key, least, found.get(key))
          )
        default:
          return Effect.map(cache.getOrSet(key, lookup(key), { tags: (row) => tagsOf(row as Row) }), (row) => {
            if (lookups === before) fromCache++
            judge("getOrSet of the value", key, least, row)
          })
      }
    }
    const change = (cache: TypedCache<unknown>) =>
      Effect.suspend(() => {
        const key = one(keys)
        const version = source.get(key)! + 1
        source.set(key, version)
        return Effect.andThen(
          pause,
          Effect.suspend(() => {
            // Whatever the source says when the invalidation begins.
            const now = source.get(key)!
            return Effect.map(cache.invalidateTags([one([`key:${key}`, "all"])]), () => {
              floor.set(key, Math.max(floor.get(key)!, now))
            })
          })
        )
      })
    const snapshot = (cache: TypedCache<unknown>) =>
      Effect.suspend(() => {
        const key = one(keys)
        return Effect.flatMap(cache.tagSnapshot(given(key)), (since) =>
          Effect.flatMap(lookup(key), (row) => cache.set(key, row, { tags: given(key), since }))
        )
      })
    const lose = Effect.suspend(() => {
      const { client } = caches[0]
      const record = one([
        "%vcache:tags:{p#tags}",
        "%vcache:tag:{p#tags}:all",
        ...keys.map((key) => `%vcache:tag:{p#tags}:key:${key}`)
      ])
      return client.send("UNLINK", [record])
    })
    const step = Effect.suspend((): Effect.Effect<unknown, unknown> => {
      const cache = one(caches)
      const which = dice.below(100)
      if (which < 12) return change(cache)
      if (which < 16) return snapshot(cache)
      if (which < 18) return lose
      if (which < 20) return cache.invalidateTags(["version:a:0", "version:b:1"], { mode: "stale" })
      return read(cache)
    })
    const worker = Effect.repeat(Effect.andThen(pause, step), { times: stepsEach / 5 - 1 })
    yield* Effect.all([worker, worker, worker, worker, worker], { concurrency: "unbounded" })
    return { violations, fromCache }
  }).pipe(Effect.provide(ValkeyMemory.layer()), Effect.scoped)

describe("histories of tags", () => {
  it.live(`${histories} of ${stepsEach} steps give nobody what was invalidated before`, () =>
    Effect.gen(function* () {
      let fromCache = 0
      for (let i = 0; i < histories; i++) {
        const seen = yield* history(new Dice(`${seed} ${i}`))
        assert.deepStrictEqual(seen.violations, [], `history ${i} of SEED=${seed}`)
        fromCache += seen.fromCache
      }
      // They are about a cache that answers.
      assert.isAbove(fromCache, histories * 20)
    })
  )
})
