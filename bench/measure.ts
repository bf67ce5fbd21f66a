/** Interleaved rounds: every contender runs a short burst in turn, so that what the machine does meanwhile hits all. */
import { Effect } from "effect"
import { Runner } from "./Runner.ts"
import { messageOf } from "./told.ts"

/** Runs an operation `count` times in all, `concurrency` at a time. */
export type Burst = (concurrency: number, count: number) => Promise<void>

export interface BurstRequest {
  readonly work:
    | "get"
    | "set"
    | "setLarge"
    | "getTimed"
    | "getMany"
    | "pipeline"
    | "getOrSet"
    | "hashGet"
    | "hashSet"
    | "listAt"
    | "listPushPop"
    | "sortedSet"
    | "lock"
    | "nearSync"
    | "fill"
  readonly concurrency: number
  readonly count: number
}

export interface Result {
  readonly name: string
  /** Operations per second, in each round. */
  readonly rounds: ReadonlyArray<number>
  /** Microseconds of the contender's own CPU time for each operation, in each round. */
  readonly cpu: ReadonlyArray<number>
  /** Milliseconds that one operation of a thousand took longer than, in each round that timed them. */
  readonly slowest: ReadonlyArray<number>
  /** Why there are no more rounds. */
  readonly failed: string | undefined
}

/** What a burst took, in milliseconds, and of the processor in microseconds. */
export interface Took {
  readonly millis: number
  readonly cpu: number
  /** Of work that times its operations: see `Result`. */
  readonly slowest?: number
}

/** The median of the rounds. */
export const perSecond = ({ rounds }: Result): number => median(rounds)

/** One against the other, round by round: what slows a round down slows both. */
export const times = (mine: Result, rival: Result): number =>
  median(mine.rounds.map((rate, i) => rate / (rival.rounds[i] ?? Number.NaN)))

export const cpuMicros = ({ cpu }: Result): number => median(cpu)

/** What one costs against the other, round by round. */
export const cpuTimes = (mine: Result, rival: Result): number =>
  median(mine.cpu.map((micros, i) => micros / (rival.cpu[i] ?? Number.NaN)))

/** The slowest of a thousand operations, against the other's, round by round. */
export const slowestTimes = (mine: Result, rival: Result): number =>
  median(mine.slowest.map((millis, i) => millis / (rival.slowest[i] ?? Number.NaN)))

export const slowestMillis = ({ slowest }: Result): number => median(slowest)

/** What one costs more than the other, round by round, in microseconds. */
export const cpuMore = (mine: Result, other: Result): number =>
  median(mine.cpu.map((micros, i) => micros - (other.cpu[i] ?? Number.NaN)))

const burstMillis = 200
export const defaultRounds = 13

/** On a busy machine there are fewer rounds after so many milliseconds, but at least these. */
const mostMillis = 45_000
const leastRounds = 5

/** Bursts of Promise code. */
export const loops =
  (operation: () => Promise<unknown>): Burst =>
  async (concurrency, count) => {
    let left = count
    const loop = async () => {
      while (left-- > 0) await operation()
    }
    await Promise.all(Array.from({ length: concurrency }, loop))
  }

/** Bursts of Effect code: as many fibers as are to be in flight. */
export const fibers =
  <E>(operation: () => Effect.Effect<unknown, E>): Burst =>
  (concurrency, count) => {
    let left = count
    const loop = Effect.whileLoop({ while: () => left-- > 0, body: operation, step: () => {} })
    return Effect.runPromise(
      Effect.forEach(Array.from({ length: concurrency }), () => loop, { concurrency: "unbounded", discard: true })
    )
  }

export const measure = async (
  runners: ReadonlyArray<Runner>,
  work: BurstRequest["work"],
  concurrency: number,
  rounds: number
): Promise<ReadonlyArray<Result>> => {
  const all: Array<Running> = []
  for (const runner of runners.filter((runner) => runner.can(work))) {
    const one: Running = { runner, count: 50 * concurrency, rates: [], cpu: [], slowest: [], failed: undefined }
    all.push(one)
    // The first bursts warm up, the last one says how many operations a burst takes.
    for (let i = 0; i < 4; i++) {
      const took = await attempt(one, { work, concurrency, count: one.count })
      if (took === undefined) break
      one.count = Math.max(concurrency, Math.round((one.count * burstMillis) / took.millis))
    }
  }
  const started = performance.now()
  for (let round = 0; round < rounds; round++) {
    if (round >= leastRounds && performance.now() - started > mostMillis) break
    const running = all.filter(({ failed }) => failed === undefined)
    // Whoever comes after an idle moment has it better: everybody does in turn.
    const first = round % Math.max(1, running.length)
    for (const one of [...running.slice(first), ...running.slice(0, first)]) {
      const took = await attempt(one, { work, concurrency, count: one.count })
      if (took === undefined) continue
      one.rates.push((one.count / took.millis) * 1000)
      one.cpu.push(took.cpu / one.count)
      if (took.slowest !== undefined) one.slowest.push(took.slowest)
    }
  }
  return all.map(({ cpu, failed, rates, runner: { name }, slowest }) => ({ name, rounds: rates, cpu, slowest, failed }))
}

/** Measures contenders that nobody else is measured beside. */
export const measureAlone = async (
  url: string,
  names: ReadonlyArray<string>,
  work: BurstRequest["work"],
  concurrency: number,
  rounds: number
): Promise<ReadonlyArray<Result>> => {
  const runners: Array<Runner> = []
  for (const name of names) runners.push(await Runner.start(name, url))
  const results = await measure(runners, work, concurrency, rounds)
  for (const runner of runners) runner.stop()
  return results
}

interface Running {
  readonly runner: Runner
  count: number
  readonly rates: Array<number>
  readonly cpu: Array<number>
  readonly slowest: Array<number>
  failed: string | undefined
}

/** Undefined where it failed for good. */
const attempt = async (one: Running, request: BurstRequest): Promise<Took | undefined> => {
  try {
    return await one.runner.run(request)
  } catch (error) {
    one.failed = messageOf(error)
    console.error(`${one.runner.name}: ${request.work}: ${one.failed}`)
    return undefined
  }
}

/** Nanoseconds of CPU time for one synchronous call, the median of interleaved rounds. */
export const nanoseconds = (
  calls: Readonly<Record<string, () => unknown>>,
  count = 100_000,
  rounds = defaultRounds
): ReadonlyMap<string, number> => {
  const times = new Map(Object.keys(calls).map((name) => [name, [] as Array<number>]))
  for (let round = -2; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) {
      const before = process.cpuUsage()
      for (let i = 0; i < count; i++) call()
      const { system, user } = process.cpuUsage(before)
      // The rounds below zero warm up.
      if (round >= 0) times.get(name)?.push(((system + user) * 1000) / count)
    }
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]))
}

export const timed = async (run: () => Promise<void>): Promise<Took> => {
  const started = performance.now()
  const before = process.cpuUsage()
  await run()
  const { system, user } = process.cpuUsage(before)
  return { millis: performance.now() - started, cpu: system + user }
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
