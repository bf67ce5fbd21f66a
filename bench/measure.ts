/** Interleaved rounds: every contender runs a short burst in turn, so that what the machine does meanwhile hits all. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { Effect } from "effect"
import { pinClient } from "./pin.ts"

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
const defaultRounds = 13

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

/** A contender's process. */
export class Runner {
  readonly name: string
  /** Whether it has a core of its own. */
  readonly isPinned: boolean
  readonly #child: ChildProcess
  readonly #work: ReadonlyArray<string>

  private constructor(name: string, child: ChildProcess, work: ReadonlyArray<string>) {
    this.name = name
    this.isPinned = pinClient(child.pid)
    this.#child = child
    this.#work = work
  }

  static async start(name: string, url: string): Promise<Runner> {
    const child = fork(join(import.meta.dirname, "contenderProcess.ts"), [name, url])
    const failed = once(child, "exit").then(() => {
      throw new Error(`${name} did not start`)
    })
    const [work] = await Promise.race([once(child, "message"), failed])
    failed.catch(() => {})
    return new Runner(name, child, work)
  }

  can(work: BurstRequest["work"]): boolean {
    return this.#work.includes(work)
  }

  async run(request: BurstRequest): Promise<Took> {
    this.#child.send(request)
    const [took] = await once(this.#child, "message")
    return took
  }

  stop(): void {
    this.#child.kill()
  }
}

export const measure = async (
  runners: ReadonlyArray<Runner>,
  work: BurstRequest["work"],
  concurrency: number,
  rounds = defaultRounds
): Promise<ReadonlyArray<Result>> => {
  const running: Array<{
    readonly runner: Runner
    readonly count: number
    readonly rates: Array<number>
    readonly cpu: Array<number>
    readonly slowest: Array<number>
  }> = []
  for (const runner of runners.filter((runner) => runner.can(work))) {
    // The first bursts warm up, the last one says how many operations a burst takes.
    let count = 50 * concurrency
    for (let i = 0; i < 4; i++) {
      const { millis } = await runner.run({ work, concurrency, count })
      count = Math.max(concurrency, Math.round((count * burstMillis) / millis))
    }
    running.push({ runner, count, rates: [], cpu: [], slowest: [] })
  }
  for (let round = 0; round < rounds; round++) {
    // Whoever comes after an idle moment has it better: everybody does in turn.
    const first = round % running.length
    for (const { count, cpu, rates, runner, slowest } of [...running.slice(first), ...running.slice(0, first)]) {
      const took = await runner.run({ work, concurrency, count })
      rates.push((count / took.millis) * 1000)
      cpu.push(took.cpu / count)
      if (took.slowest !== undefined) slowest.push(took.slowest)
    }
  }
  return running.map(({ cpu, rates, runner, slowest }) => ({ name: runner.name, rounds: rates, cpu, slowest }))
}

/** Nanoseconds of CPU time for one synchronous call, the median of interleaved rounds. */
export const nanoseconds = (
  calls: Readonly<Record<string, () => unknown>>,
  count = 100_000
): ReadonlyMap<string, number> => {
  const times = new Map(Object.keys(calls).map((name) => [name, [] as Array<number>]))
  for (let round = -2; round < defaultRounds; round++) {
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

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
