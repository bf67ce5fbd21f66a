/**
 * Generated histories: callers of two caches that know nothing of each other, as in two processes; a source that changes; invalidations;
 * records that are lost, and failovers that forget. Whoever reads after an invalidation must not be given what was made before.
 */
import { Deferred, Effect, Exit, Layer } from "effect"
import {
  type CommandError,
  type NearOptions,
  type Stale,
  type TypedCache,
  ValkeyClient,
  type ValkeyClientShape,
  ValkeyMemory
} from "effect-vcache"
import { cacheOver } from "../cacheOver.ts"
import { Dice } from "../Dice.ts"
import { until } from "../until.ts"

const keys = ["a", "b", "c"]

/** Tags that nobody invalidates: with them a batch bears so many that its tokens are remembered. */
const others = Array.from({ length: 20 }, (_, i) => i)
const workers = 5
const ledger = "%vcache:tags:{p#tags}"
const records = [ledger, ...["all", ...keys.map((key) => `key:${key}`)].map((tag) => `%vcache:tag:{p#tags}:${tag}`)]

/** What is read of a key: its version, which says its tags. */
interface Row {
  readonly version: number
  readonly key: string
}

/** What is done in a way that breaks. */
export const flaws = [
  /** The value is stored with the tokens as they are when its lookup has ended. */
  "tokens read after the lookup",
  /** Nobody is told that another server, or another history, has the records. */
  "tokens without an era",
  /** Whoever finds a lookup under way waits for it, whatever has been invalidated since it began. */
  "flights joined without comparing tokens"
] as const

export type Flaw = (typeof flaws)[number]

export interface HistoryOptions {
  readonly dice: Dice
  readonly steps: number
  readonly near: NearOptions | false
  readonly flaw?: Flaw | undefined
  /** Milliseconds by which a near cache may be late with what another process has invalidated. */
  readonly slack: number
  /** A failover, which may forget the last invalidations. */
  readonly failover: Effect.Effect<unknown, CommandError>
  /** Whether calls may fail: those that do say nothing. */
  readonly mayFail: boolean
}

export interface HistoryOutcome {
  readonly violations: ReadonlyArray<string>
  /** Reads that were given a value without a lookup. */
  readonly fromCache: number
  readonly failed: number
}

/** The moments from which readers must not be given what is older. */
class Floors {
  readonly #raised: Array<{
    readonly at: number
    readonly by: number
    readonly key: string
    readonly version: number
  }> = []

  raise(by: number, key: string, version: number): void {
    this.#raised.push({ at: performance.now(), by, key, version })
  }

  /** For a reader of that process who begins now. What the process itself has invalidated it sees at once. */
  least(by: number, key: string, slack: number): number {
    const before = performance.now() - slack
    let least = 0
    for (const one of this.#raised) {
      if (one.key === key && (one.by === by || one.at <= before)) least = Math.max(least, one.version)
    }
    return least
  }
}

/** Runs one history over two clients of the same store. */
export const tagHistory = Effect.fnUntraced(function* (
  clients: readonly [ValkeyClientShape, ValkeyClientShape],
  { dice, failover, flaw, mayFail, near, slack, steps }: HistoryOptions
) {
  const caches = yield* Effect.forEach(clients, (client) => cacheOver(client, { prefix: "p", near }))
  if (near !== false) {
    for (const cache of caches) yield* until("the channel", cache.near, ({ _tag }) => _tag === "Live")
  }
  const source = new Map(keys.map((key) => [key, 0]))
  const floors = new Floors()
  const underWay = new Map<string, Deferred.Deferred<unknown, unknown>>()
  const violations: Array<string> = []
  let fromCache = 0
  let lookups = 0
  let failed = 0

  const pause = Effect.suspend(() => Effect.repeat(Effect.yieldNow, { times: dice.below(12) }))
  const given = (key: string) => [`key:${key}`, "all", ...others.map((i) => `${key} ${i}`)]
  const tagsOf = ({ key, version }: Row) => [...given(key), `version:${key}:${version % 3}`]
  const lookup = (key: string): Effect.Effect<Row> =>
    Effect.suspend(() => {
      lookups++
      return Effect.andThen(
        pause,
        Effect.suspend(() => Effect.as(pause, { key, version: source.get(key)! }))
      )
    })
  const judge = (how: string, key: string, least: number, row: unknown) => {
    const { version } = row as Row
    if (version < least) violations.push(`${how} ${key}: ${version} is served, and ${least} is the least`)
  }

  const getOrSet = (cache: TypedCache<unknown>, by: number, key: string): Effect.Effect<unknown, unknown> => {
    const options = { tags: given(key), singleFlight: dice.chance(0.3) ? "cluster" : "process" } as const
    const ofValue = { tags: (row: unknown) => tagsOf(row as Row) }
    switch (flaw) {
      case "tokens read after the lookup":
        return Effect.flatMap(cache.get(key), (found) =>
          found._tag === "Some"
            ? Effect.succeed(found.value)
            : Effect.tap(lookup(key), (row) => cache.set(key, row, { tags: given(key) }))
        )
      case "flights joined without comparing tokens": {
        const joined = underWay.get(`${by} ${key}`)
        if (joined !== undefined) return Deferred.await(joined)
        const flight = Deferred.makeUnsafe<unknown, unknown>()
        underWay.set(`${by} ${key}`, flight)
        return Effect.onExit(cache.getOrSet(key, lookup(key), options), (exit) =>
          Effect.sync(() => {
            underWay.delete(`${by} ${key}`)
            Deferred.doneUnsafe(flight, exit)
          })
        )
      }
      default:
        return dice.chance(0.5) ? cache.getOrSet(key, lookup(key), options) : cache.getOrSet(key, lookup(key), ofValue)
    }
  }
  const read = (cache: TypedCache<unknown>, by: number): Effect.Effect<unknown, unknown> => {
    const key = dice.pick(keys)
    const least = floors.least(by, key, slack)
    const before = lookups
    switch (dice.below(5)) {
      case 0:
        return Effect.map(cache.get(key, dice.chance(0.2) ? { near: false } : {}), (found) => {
          if (found._tag === "Some") judge("get", key, least, found.value)
        })
      case 1: {
        const leasts = new Map(keys.map((key) => [key, floors.least(by, key, slack)]))
        return Effect.map(cache.getMany(keys), (found) => {
          for (const [key, row] of found) judge("getMany", key, leasts.get(key)!, row)
        })
      }
      case 2: {
        if (flaw !== undefined) return read(cache, by)
        const wanted = keys.filter((other) => other === key || dice.chance(0.3))
        const leasts = new Map(wanted.map((key) => [key, floors.least(by, key, slack)]))
        // One list is for all keys of the batch.
        const tags = dice.chance(0.5)
          ? ["all", ...wanted.map((key) => `key:${key}`)]
          : (row: unknown) => tagsOf(row as Row)
        const lookupMany = (missing: ReadonlyArray<string>, stale: ReadonlyMap<string, Stale<unknown>>) =>
          Effect.forEach(
            missing,
            (key) => {
              const old = stale.get(key)
              // The source knows whether the row is still what it was.
              return Effect.map(lookup(key), (row) =>
                old !== undefined && (old.value as Row).version === row.version
                  ? ([key, old.unchanged()] as const)
                  : ([key, row] as const)
              )
            },
            { concurrency: "unbounded" }
          )
        return Effect.map(cache.getOrSetMany(wanted, lookupMany, { tags }), (found) => {
          for (const [key, row] of found) judge("getOrSetMany", key, leasts.get(key)!, row)
        })
      }
      default:
        return Effect.map(getOrSet(cache, by, key), (row) => {
          if (lookups === before) fromCache++
          judge("getOrSet", key, least, row)
        })
    }
  }
  const change = (cache: TypedCache<unknown>, by: number) =>
    Effect.suspend(() => {
      const key = dice.pick(keys)
      source.set(key, source.get(key)! + 1)
      return Effect.andThen(
        pause,
        Effect.suspend(() => {
          // Whatever the source says when the invalidation begins.
          const now = source.get(key)!
          const tag = dice.pick([`key:${key}`, "all"])
          return Effect.map(cache.invalidateTags([tag]), () => floors.raise(by, key, now))
        })
      )
    })
  const snapshot = (cache: TypedCache<unknown>) =>
    Effect.suspend(() => {
      const key = dice.pick(keys)
      return Effect.flatMap(cache.tagSnapshot(given(key)), (since) =>
        Effect.flatMap(lookup(key), (row) => cache.set(key, row, { tags: given(key), since }))
      )
    })
  const step = Effect.suspend((): Effect.Effect<unknown, unknown> => {
    const by = dice.below(caches.length)
    const cache = caches[by]!
    const which = dice.below(1000)
    if (which < 120) return change(cache, by)
    if (which < 160) return snapshot(cache)
    if (which < 175) return clients[by]!.send("UNLINK", [dice.pick(records)])
    if (which < 195) return cache.invalidateTags(["version:a:0", "version:b:1", "all"], { mode: "stale" })
    if (which < 203) return failover
    return read(cache, by)
  })
  const counted = Effect.flatMap(Effect.exit(step), (exit) => {
    if (Exit.isSuccess(exit)) return Effect.void
    failed++
    return mayFail ? Effect.void : exit
  })
  const worker = Effect.repeat(Effect.andThen(pause, counted), { times: Math.ceil(steps / workers) - 1 })
  yield* Effect.forEach(Array.from({ length: workers }), () => worker, { concurrency: "unbounded", discard: true })
  const outcome: HistoryOutcome = { violations, fromCache, failed }
  return outcome
}, Effect.scoped)

/** The same in memory, where failovers bring back what the records were some time ago, under another history. */
export const memoryHistory = (
  options: Pick<HistoryOptions, "dice" | "flaw" | "steps"> & { readonly isNear: boolean }
) =>
  Effect.gen(function* () {
    const client = yield* ValkeyClient
    const { dice, flaw, isNear, steps } = options
    let history = 0
    const era = () => (flaw === "tokens without an era" ? "0" : `${history}`)
    /** The client as another process has it. */
    const own = (): ValkeyClientShape => ({
      ...client,
      tracked: (keys, options) =>
        Effect.map(client.tracked(keys, options), (replies) =>
          replies.map((reply) => (reply.era === undefined ? reply : { ...reply, era: era() }))
        ),
      eval: (script, keys, args) =>
        Effect.map(client.eval(script, keys, args), (reply) =>
          script.name === "ensureTags" && Array.isArray(reply) ? [era(), ...reply.slice(1)] : reply
        )
    })
    const replica = new Map<string, unknown>()
    const failover = Effect.gen(function* () {
      if (replica.size > 0) history++
      for (const [key, value] of replica) {
        yield* typeof value === "string" ? client.send("SET", [key, value]) : client.send("UNLINK", [key])
      }
      replica.clear()
      // What is written from now on does not reach the next one.
      for (const key of records) replica.set(key, yield* client.send("GET", [key]))
    })
    return yield* tagHistory([own(), own()], {
      dice,
      steps,
      flaw,
      near: isNear ? {} : false,
      slack: 0,
      failover,
      mayFail: false
    })
  }).pipe(Effect.provide(Layer.fresh(ValkeyMemory.layer())))

/** The first of a hundred histories in memory that shows the flaw, near and not in turns. */
export const historyThatShows = Effect.fnUntraced(function* (flaw: Flaw, seed: string, steps: number) {
  for (let i = 0; i < 100; i++) {
    const dice = new Dice(`${seed} ${i}`)
    const { violations } = yield* memoryHistory({ dice, steps, isNear: i % 2 === 1, flaw })
    if (violations.length > 0) return i + 1
  }
  return undefined
})
