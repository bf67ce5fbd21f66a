/** What a soak does on one topology, with what each kind of work promises. */
import { Effect, Fiber, Option, Result, Stream } from "effect"
import type { CacheError, TypedCache } from "effect-vcache"
import { NamedValues } from "./NamedValues.ts"
import { pause } from "./pause.ts"
import { mayHaveExecuted, type SoakLedger } from "./SoakLedger.ts"
import { WriteHistory } from "./WriteHistory.ts"

export interface SoakWork {
  readonly cache: TypedCache<unknown>
  /** Another client of the same servers. */
  readonly other: TypedCache<unknown>
  readonly ledger: SoakLedger
  /** Milliseconds: `commandTimeout`. */
  readonly deadline: number
  readonly isOver: () => boolean
}

/** Works until the soak is over, and then looks at what is there. */
type Work = (work: SoakWork) => Effect.Effect<void>

const forEachWorker = (count: number, worker: (id: number) => Effect.Effect<void>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, id) => id),
    worker,
    { concurrency: "unbounded", discard: true }
  )

/** Each worker reads what it has written: the last confirmed value, or one of those that may have been written since. */
export const values: Work = ({ cache, deadline, isOver, ledger }) => {
  const named = new NamedValues((what) => ledger.violation("wrong", what), 50_000)
  const histories = new Map<string, WriteHistory>()
  const historyOf = (key: string) => {
    const history = histories.get(key) ?? new WriteHistory((from, to) => ledger.lossAt(from, to) !== undefined)
    histories.set(key, history)
    return history
  }
  const write = (name: string, key: string, value: string | undefined, operation: Effect.Effect<unknown, CacheError>) =>
    Effect.gen(function* () {
      const entry = historyOf(key).begin(value)
      const result = yield* ledger.run(name, deadline, operation)
      const failed = mayHaveExecutedOf(result)
      historyOf(key).end(entry, failed === undefined ? "done" : failed ? "unknown" : "not done")
    })
  const check = (key: string, seen: unknown, by: string) => {
    named.check(key, seen, by)
    ledger.count("values read")
    if (!historyOf(key).allows(seen === undefined ? undefined : String(seen)))
      ledger.violation("lost", `${by} of ${key} saw ${JSON.stringify(seen)}`)
  }
  return forEachWorker(8, (id) =>
    Effect.gen(function* () {
      for (let i = 0; !isOver(); i++) {
        const key = `w${id}:${i % 30}`
        const value = named.next(key, `w${id}`)
        yield* write("set", key, value, cache.set(key, value))
        const others = [key, `w${id}:${(i * 7) % 30}`, `w${id}:${(i * 11) % 30}`]
        const many = yield* ledger.run("getMany", deadline, cache.getMany(others))
        if (Result.isSuccess(many)) for (const other of others) check(other, many.success.get(other), "getMany")
        const one = yield* ledger.run("get", deadline, cache.get(key))
        if (Result.isSuccess(one)) check(key, Option.getOrUndefined(one.success), "get")
        if (i % 9 === 0) yield* write("delete", key, undefined, cache.delete(key))
        yield* pause(15)
      }
    })
  )
}

/** Undefined where it succeeded. */
const mayHaveExecutedOf = (result: Result.Result<unknown, Parameters<typeof mayHaveExecuted>[0]>) =>
  Result.isSuccess(result) ? undefined : mayHaveExecuted(result.failure)

/** Every confirmed increment counts once, every other one at most once. */
export const counters: Work = ({ cache, deadline, isOver, ledger }) =>
  forEachWorker(4, (id) =>
    Effect.gen(function* () {
      const key = `counter:${id}`
      let [last, lastAt, unknown] = [0, performance.now(), 0]
      while (!isOver()) {
        const startedAt = performance.now()
        const result = yield* ledger.run("incr", deadline, cache.incr(key, 1, { initial: 0, timeToLive: "Infinity" }))
        if (Result.isSuccess(result)) {
          const seen = result.success
          ledger.count("increments")
          if (seen > last + 1 + unknown)
            ledger.violation("wrong", `${key} went from ${last} to ${seen}, ${unknown} unknown`)
          if (seen <= last) {
            const fault = ledger.lossAt(lastAt, performance.now())
            if (fault !== undefined) ledger.count(`increments lost, ${fault}`, last + 1 - seen)
            else ledger.violation("lost", `${key} went from ${last} to ${seen}`)
          }
          ;[last, lastAt, unknown] = [seen, startedAt, 0]
        } else if (mayHaveExecuted(result.failure)) unknown++
        yield* pause(20)
      }
    })
  )

/** One holder at a time, whose fence is greater than that of anybody before. */
export const locks: Work = ({ cache, deadline, isOver, ledger, other }) => {
  const lease = 3000
  const wait = 6000
  /** When each section began, by its lock. */
  const sections = new Map<string, Map<bigint, number>>()
  const fences = new Map<string, bigint>()
  return forEachWorker(6, (id) => {
    const name = `lock:${id % 2}`
    const open = sections.get(name) ?? new Map<bigint, number>()
    sections.set(name, open)
    const lock = (id < 3 ? cache : other).lock(name, { lease, wait })
    const overlap = (since: number, now: number) => {
      const fault = ledger.lossAt(since - wait, now)
      const stoodStill = ledger.stalls.since(since)
      if (fault !== undefined) return ledger.count(`locks held twice, ${fault}`)
      // Who stands still for that long has lost the lock, and finds out when it goes on.
      if (stoodStill > lease / 3) return ledger.count("locks held twice, this process stood still")
      const times = `${Math.round(now - since)} ms, of which it stood still for ${Math.round(stoodStill)}`
      ledger.violation("lock", `${name} is held twice, for ${times}, after "${ledger.lastFault}"`)
    }
    const section = (fence: bigint) =>
      Effect.gen(function* () {
        const now = performance.now()
        ledger.count("sections under a lock")
        for (const since of open.values()) overlap(since, now)
        if (fence <= (fences.get(name) ?? 0n)) ledger.violation("lock", `${name}: the fence did not grow`)
        fences.set(name, fence)
        open.set(fence, now)
        yield* Effect.ensuring(
          pause(1 + Math.random() * 10),
          Effect.sync(() => open.delete(fence))
        )
      })
    return Effect.gen(function* () {
      while (!isOver()) {
        const held = lock.withLock(({ fence }) => section(fence))
        yield* ledger.run("withLock", wait + 3 * deadline, held)
        yield* pause(10)
      }
    })
  })
}

/** Every confirmed entry stays; followers and consumers are given every entry that is there. */
export const streams: Work = ({ cache, deadline, isOver, ledger }) =>
  Effect.gen(function* () {
    const stream = cache.stream("events")
    const group = stream.group("workers")
    // Entries by their numbers, from those that have not been looked at on.
    const confirmed = new Map<number, number>()
    const followed = new Set<number>()
    const consumed = new Set<number>()
    const written = new Set<number>()
    let lookedAt = 0
    let last = 0
    const untilDone = <A>(name: string, effect: Effect.Effect<A, CacheError>): Effect.Effect<A> =>
      Effect.catch(effect, (error) => {
        ledger.count(`${name} began again`)
        return Effect.andThen(
          pause(100),
          error._tag === "CacheInputError" ? Effect.die(error) : untilDone(name, effect)
        )
      })
    yield* untilDone("group", group.create({ from: "0" }))

    const producer = (id: number) =>
      Effect.gen(function* () {
        for (let i = 0; !isOver(); i++) {
          const at = performance.now()
          const result = yield* ledger.run("stream.add", deadline, stream.add({ entry: i * producers + id }))
          if (Result.isSuccess(result) && Option.isSome(result.success)) {
            ledger.count("entries confirmed")
            confirmed.set(numberOf(result.success.value), at)
          }
          yield* pause(25)
        }
      })
    const follow = Effect.suspend(() =>
      stream.follow({ after: idOf(last) }).pipe(
        Stream.runForEach(({ fields, id }) =>
          Effect.sync(() => {
            const number = numberOf(id)
            if (number <= last) ledger.violation("skipped", `the follower was given ${id} after ${idOf(last)}`)
            last = number
            followed.add(number)
            const entry = Number(fields.get("entry"))
            // Each is sent once, whatever becomes of the reply.
            if (!Number.isInteger(entry) || written.has(entry))
              ledger.violation("wrong", `the entry ${entry} came twice`)
            written.add(entry)
          })
        )
      )
    )
    const consume = (name: string) =>
      group.consume(name).pipe(
        Stream.runForEach(({ id }) =>
          Effect.gen(function* () {
            if (numberOf(id) > lookedAt) consumed.add(numberOf(id))
            yield* ledger.run("stream.ack", deadline, group.ack(id))
          })
        )
      )
    const isGiven = (id: string) => followed.has(numberOf(id)) && consumed.has(numberOf(id))

    /** Looks at the entries up to a number, and forgets them. */
    const lookAt = (entries: ReadonlyArray<{ readonly id: string }>, upTo: number) => {
      const there = new Set(entries.map(({ id }) => numberOf(id)))
      ledger.count("entries there", there.size)
      for (const { id } of entries) {
        if (!followed.has(numberOf(id))) ledger.violation("skipped", `the follower was not given ${id}`)
        if (!consumed.has(numberOf(id))) ledger.violation("skipped", `no consumer was given ${id}`)
      }
      for (const [number, at] of confirmed) {
        if (number > upTo) continue
        confirmed.delete(number)
        if (there.has(number)) continue
        const fault = ledger.lossAt(at, at + deadline)
        if (fault !== undefined) ledger.count(`entries lost, ${fault}`)
        else ledger.violation("lost", `the entry ${idOf(number)} is gone`)
      }
      for (const given of [followed, consumed]) for (const number of given) if (number <= upTo) given.delete(number)
      lookedAt = upTo
    }
    const some = (upTo: number) => untilDone("range", stream.range(`(${idOf(lookedAt)}`, idOf(upTo)))
    const looks = Effect.gen(function* () {
      for (;;) {
        yield* pause(10_000)
        // What is older has been replicated, and read by whoever reads in time.
        const upTo = Math.min(last, (Date.now() - 30_000) * 1000)
        const entries = upTo > lookedAt ? yield* some(upTo) : []
        if (entries.length > 0 && entries.every(({ id }) => isGiven(id))) lookAt(entries, upTo)
      }
    })
    const helpers = yield* Effect.forEach(
      [looks, untilDone("follow", follow), ...["a", "b"].map((name) => untilDone("consume", consume(name)))],
      (helper) => Effect.forkDetach(helper)
    )
    yield* forEachWorker(producers, producer)

    const rest = yield* some(Number.MAX_SAFE_INTEGER)
    // Readers have so long for what is left.
    for (let i = 0; i < 100 && !rest.every(({ id }) => isGiven(id)); i++) yield* pause(100)
    yield* Fiber.interruptAll(helpers)
    lookAt(rest, Infinity)
  })

const producers = 2

/** Ids as numbers, of which a soak keeps many: milliseconds and a sequence. */
const numberOf = (id: string): number => {
  const [millis, sequence] = id.split("-")
  return Number(millis) * 1000 + Number(sequence)
}

const idOf = (number: number): string => `${Math.floor(number / 1000)}-${number % 1000}`

export const allWork: ReadonlyArray<Work> = [values, counters, locks, streams]
