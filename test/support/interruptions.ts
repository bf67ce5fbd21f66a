/**
 * Operations of every kind, interrupted at random moments of their way to the servers and back. Afterwards nothing is held and
 * nothing claimed, every connection can be lent, no place in flight is taken, and no fiber is left.
 */
import { Cause, Effect, Exit, Fiber, Metric, Option, Result, Schema, Scope, Stream } from "effect"
import {
  type CacheService,
  CacheScript,
  type ConnectionOptions,
  LockUnavailable,
  type ValkeyClient
} from "effect-vcache"
import { isFramed, readHeader } from "../../src/schema/frame.ts"
import { Dice } from "./Dice.ts"
import { connectTo, patient, withCache } from "./faults.ts"
import { pause } from "./pause.ts"
import type { StormyTopology } from "./stormyTopologies.ts"

export interface InterruptionReport {
  readonly kinds: Readonly<Record<string, { readonly interrupted: number; readonly ended: number }>>
  /** What should not be there any more, in words. */
  readonly left: ReadonlyArray<string>
}

interface Kind {
  readonly begin: (i: number) => Effect.Effect<unknown, unknown>
  /** What is wrong once all have ended; undefined where nothing is. Asked again until it has had its time. */
  readonly left?: Effect.Effect<string | undefined, unknown>
}

/** Milliseconds in which what is given back in the background must have arrived: far less than a lease or a claim lasts. */
const soon = 3000

const clientName = "interrupted"

/** Few, so that those that are not given back are missed. */
const bounds = { maxConnections: 8, maxInFlight: 100 } satisfies ConnectionOptions

const width = 20

const bump = CacheScript.make({
  name: "bump",
  keys: ["counter"],
  args: { by: Schema.Number },
  result: Schema.Number,
  lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
  memory: ({ call }, [key = ""], [by = 0]) => call("INCRBY", key, by)
})

export const interruptions = (
  topology: StormyTopology,
  { seed, times }: { readonly times: number; readonly seed: string }
): Effect.Effect<InterruptionReport> => {
  let active = 0
  const counter: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => void active++,
    recordFiberEnd: () => void active--
  }
  return Effect.gen(function* () {
    const before = active
    const scope = yield* Scope.make()
    const layer = withCache(topology.client({ ...patient, ...bounds, clientName }))
    const { cache, client } = yield* Effect.orDie(Scope.provide(connectTo(layer), scope))
    const kinds: Record<string, { interrupted: number; ended: number }> = {}
    const left: Array<string> = []
    for (const [name, kind] of Object.entries(kindsOf(cache, client, topology))) {
      const { failures, ...counts } = yield* interrupt(kind, times, new Dice(`${seed}:${name}`))
      kinds[name] = counts
      for (const failure of failures) left.push(`${name}: ${failure}`)
      const wrong = yield* leftOf(kind.left ?? Effect.succeed(undefined))
      if (wrong !== undefined) left.push(`${name}: ${wrong}`)
    }
    yield* Scope.close(scope, Exit.void)
    yield* pause(50)
    if (active > before) left.push(`${active - before} fibers`)
    return { kinds, left }
  }).pipe(Effect.provideService(Metric.FiberRuntimeMetrics, counter))
}

/** Some turns of the event loop, in which commands go out and replies come in. */
const turns = (count: number) =>
  Effect.promise(async () => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
  })

const interrupt = Effect.fnUntraced(function* ({ begin }: Kind, times: number, dice: Dice) {
  const counts = { interrupted: 0, ended: 0, failures: new Set<string>() }
  yield* Effect.forEach(
    Array.from({ length: times }),
    (_, i) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(begin(i), { startImmediately: dice.chance(0.5) })
        yield* dice.chance(0.1) ? pause(dice.below(15)) : turns(dice.below(12))
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        counts[Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause) ? "interrupted" : "ended"]++
        const failure = unexpected(exit)
        if (failure !== undefined) counts.failures.add(failure)
      }),
    { concurrency: width, discard: true }
  )
  return counts
})

/** Nothing fails here, but what others hold. Places and connections that were not given back would show as timeouts. */
const unexpected = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit) || Cause.hasInterrupts(exit.cause)) return undefined
  const error = Cause.squash(exit.cause)
  return error instanceof LockUnavailable ? undefined : String(error)
}

const leftOf = (look: Effect.Effect<string | undefined, unknown>) =>
  Effect.gen(function* () {
    let last: string | undefined
    for (let waited = 0; waited <= soon; waited += 50) {
      const seen = yield* Effect.result(look)
      last = Result.isFailure(seen) ? String(seen.failure) : seen.success
      if (last === undefined) return undefined
      yield* pause(50)
    }
    return last
  })

type Cache = CacheService["Service"]
type Client = ValkeyClient["Service"]

const kindsOf = (cache: Cache, client: Client, { servers }: StormyTopology): Readonly<Record<string, Kind>> => {
  const numbers = cache.withSchema(Schema.Number)
  const elements = { pushed: 0, taken: 0 }
  const queue = cache.list("queue")
  const permits = (wait: number) => cache.semaphore("sem", { permits: 3, wait, lease: "30 seconds" })
  const lock = (i: number, wait: number) => cache.lock(`lock:${i % 4}`, { wait, lease: "30 seconds" })

  /** All connections can be lent at once, or somebody still has one. */
  const allConnections = Effect.scoped(
    Effect.as(
      Effect.forEach(Array.from({ length: bounds.maxConnections }), () => client.dedicated, {
        concurrency: "unbounded"
      }),
      undefined
    )
  ).pipe(Effect.timeoutOrElse({ duration: soon, orElse: () => Effect.succeed("connections are not given back") }))

  const subscribers = Effect.map(
    Effect.forEach(servers, (server) => server.call("CLIENT", "LIST", "TYPE", "pubsub")),
    (lists) => {
      const count = lists.map(String).join().split(`name=${clientName} `).length - 1
      return count === 0 ? undefined : `${count} subscribers`
    }
  )
  const noLock = Effect.map(
    Effect.forEach([0, 1, 2, 3], (i) => lock(i, 0).isLocked),
    (locked) => (locked.some(Boolean) ? `locks are held: ${locked.join()}` : undefined)
  )
  /** Nobody holds a permit, and nobody stands in the row. */
  const noPermit = Effect.catchTag(permits(0).withPermits(3)(Effect.succeed(undefined)), "LockUnavailable", () =>
    Effect.map(permits(0).available, (free) => `${free} of 3 permits are free, or somebody waits`)
  )
  const noClaim = (pattern: string) =>
    Effect.gen(function* () {
      const keys = yield* cache.keys(pattern)
      const stored = yield* Effect.forEach(keys, (key) => client.send("GET", [cache.makeKey(key)], { reply: "buffer" }))
      const claimed = stored.filter(
        (held) => Buffer.isBuffer(held) && isFramed(held) && readHeader(held).claim !== undefined
      )
      return claimed.length === 0 ? undefined : `${claimed.length} keys are claimed`
    })

  const lookup = (i: number) => (i % 3 === 0 ? Effect.never : Effect.as(Effect.sleep(i % 5), i))
  const cluster = { singleFlight: "cluster" } as const
  const stale = { timeToLive: 1, staleFor: "1 hour", softTimeout: "1 minute" } as const
  const hear = (kind: "channel" | "pattern" | "sharded") => ({
    begin: () => Effect.scoped(Effect.flatMap(client.subscription("news", { kind }), Stream.runDrain)),
    left: subscribers
  })

  return {
    subscription: hear("channel"),
    "subscription to a pattern": hear("pattern"),
    "subscription to a sharded channel": hear("sharded"),
    get: { begin: (i) => cache.get(`k${i % 50}`) },
    set: { begin: (i) => cache.set(`k${i % 50}`, i) },
    getMany: { begin: () => cache.getMany(Array.from({ length: 50 }, (_, i) => `k${i}`)) },
    setMany: { begin: (i) => cache.setMany(Array.from({ length: 20 }, (_, j) => [`k${j}`, i] as const)) },
    getAndSet: { begin: (i) => cache.getAndSet(`k${i % 50}`, i) },
    incr: { begin: (i) => cache.incr(`n${i % 50}`, 1, { initial: 0 }) },
    touch: { begin: (i) => cache.touch(`k${i % 50}`) },
    rename: { begin: (i) => Effect.ignore(cache.rename(`k${i % 50}`, `r${i % 50}`)) },
    scan: { begin: () => Stream.runDrain(cache.scan("k*", { count: 5 })) },
    deletePattern: { begin: () => cache.deletePattern("r*") },
    hash: { begin: (i) => Effect.andThen(cache.hash("h").set(`f${i}`, i), cache.hash("h").getAll) },
    sortedSet: { begin: (i) => Effect.andThen(cache.sortedSet("z").add([[i, i]]), cache.sortedSet("z").popMin()) },
    pipeline: { begin: (i) => cache.pipeline((queue) => [queue.set("{p}a", i), queue.get("{p}b")]) },
    transaction: {
      begin: (i) => cache.transaction((queue) => [queue.set("{p}a", i), queue.incr("{p}n", 1, { initial: 0 })])
    },
    script: { begin: () => cache.script(bump, { keys: { counter: "s" }, args: { by: 1 } }) },
    getOrSet: {
      begin: (i) => numbers.getOrSet(`g${i % 40}`, lookup(i)),
      left: Effect.as(
        Effect.forEach(Array.from({ length: 40 }), (_, i) => numbers.getOrSet(`g${i}`, Effect.succeed(i))),
        undefined
      )
    },
    "getOrSet in a fleet": { begin: (i) => numbers.getOrSet(`c${i}`, lookup(i), cluster), left: noClaim("c*") },
    "getOrSet in a fleet, of the same keys": {
      begin: (i) => numbers.getOrSet(`d${i % 40}`, lookup(i), cluster),
      left: noClaim("d*")
    },
    "getOrSet in a fleet, whose failures are stored": {
      begin: (i) =>
        Effect.ignore(
          numbers.getOrSet(
            `f${i % 40}`,
            Effect.flatMap(lookup(i), (n) => Effect.fail(n)),
            { ...cluster, cacheFailures: { errors: Schema.Number, timeToLive: 2 } }
          )
        ),
      left: noClaim("f*")
    },
    markStale: {
      begin: (i) => Effect.andThen(cache.markStale(`e${i % 40}`), cache.markStale(`d${i % 40}`)),
      left: noClaim("[de]*")
    },
    "getOrSet of stale values": {
      begin: (i) => numbers.getOrSet(`e${i % 40}`, Effect.as(Effect.sleep(i % 5), i), { ...stale, ...cluster }),
      left: noClaim("e*")
    },
    getOrSetMany: {
      begin: (i) =>
        numbers.getOrSetMany([`m${i}`, `m${i + 1}`], (keys) =>
          Effect.map(lookup(i), (value) => keys.map((key) => [key, value] as const))
        )
    },
    refresh: { begin: (i) => numbers.refresh(`f${i % 40}`, lookup(i)) },
    withLock: { begin: (i) => lock(i, 0).withLock(Effect.sleep(i % 4)), left: noLock },
    "withLock that waits": { begin: (i) => lock(i, 60_000).withLock(Effect.sleep(i % 4)), left: noLock },
    "lock for a scope": {
      begin: (i) => Effect.scoped(Effect.andThen(lock(i, 60_000).acquire, Effect.sleep(1))),
      left: noLock
    },
    withPermits: { begin: (i) => permits(0).withPermits(1 + (i % 3))(Effect.sleep(i % 4)), left: noPermit },
    "withPermits that waits": {
      begin: (i) => permits(60_000).withPermits(1 + (i % 3))(Effect.sleep(i % 4)),
      left: noPermit
    },
    session: {
      begin: (i) => {
        const session = cache.session(`session:${i % 20}`)
        return Effect.andThen(session.create(i, "1 minute"), Effect.andThen(session.find("keep"), session.destroy))
      }
    },
    awaitLeft: {
      begin: () =>
        Effect.andThen(
          Effect.tap(queue.pushRight(1), () => Effect.sync(() => elements.pushed++)).pipe(Effect.uninterruptible),
          Effect.uninterruptibleMask((restore) =>
            Effect.tap(restore(queue.awaitLeft("Infinity")), (taken) =>
              Effect.sync(() => void (elements.taken += Number(Option.isSome(taken))))
            )
          )
        ),
      left: Effect.map(queue.size, (size) =>
        size + elements.taken === elements.pushed
          ? undefined
          : `${elements.pushed} elements became ${elements.taken} taken and ${size} waiting`
      )
    },
    "a dedicated connection": {
      begin: () => Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send("BLPOP", ["nothing", 0]))),
      left: allConnections
    },
    "a dedicated connection with a transaction": {
      // In memory there is no WATCH.
      begin: (i) =>
        client.topology === "memory"
          ? Effect.void
          : Effect.scoped(
              Effect.gen(function* () {
                const own = yield* client.dedicated
                yield* own.send("WATCH", ["{w}a"])
                yield* own.send("MULTI", [])
                yield* own.send("SET", ["{w}a", i])
                yield* own.send("EXEC", [])
              })
            ),
      left: allConnections
    },
    follow: { begin: () => Stream.runDrain(cache.stream("x").follow()), left: allConnections },
    consume: {
      begin: (i) =>
        Effect.andThen(
          cache.stream("x").group("g").create({ from: "0" }),
          Stream.runDrain(
            cache
              .stream("x")
              .group("g")
              .consume(`c${i % 5}`)
          )
        ),
      left: allConnections
    }
  } satisfies Readonly<Record<string, Kind>>
}
