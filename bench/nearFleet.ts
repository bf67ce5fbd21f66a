/** Four processes on one server, that read and write the same keys. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import { Redis } from "iovalkey"
import type { Result } from "./measure.ts"
import type { FleetAnswer, FleetOrder } from "./nearFleetProcess.ts"
import { fleetMembers, unsharedMap } from "./nearFleetMembers.ts"
import { answerOf, messageOf } from "./told.ts"

const processes = 4
const millis = 1000

/** Milliseconds for anything that one of them does. */
const patience = 60_000

/** So many writes among 1 000 operations. */
const mixes = { "99.9 % reads": 1, "99 % reads": 10 } as const
export type Mix = keyof typeof mixes

class Fleet {
  readonly kind: string
  readonly #children: ReadonlyArray<ChildProcess>
  #failed: string | undefined

  private constructor(kind: string, children: ReadonlyArray<ChildProcess>) {
    this.kind = kind
    this.#children = children
  }

  static async start(kind: string, url: string): Promise<Fleet> {
    const script = join(import.meta.dirname, "nearFleetProcess.ts")
    const children = Array.from({ length: processes }, (_, i) => fork(script, [kind, url, String(i + 1)]))
    const fleet = new Fleet(kind, children)
    await fleet.#try(() => Promise.all(children.map((child) => answerOf(child, patience))))
    return fleet
  }

  get failed(): string | undefined {
    return this.#failed
  }

  /** The first one stores, if it is to, then all read. */
  async warm(stores: boolean): Promise<void> {
    await this.#try(async () => {
      if (stores) await ask(this.#children[0]!, "store")
      await Promise.all(this.#children.map((child) => ask(child, "warm")))
    })
  }

  async run(mix: Mix): Promise<ReadonlyArray<FleetAnswer> | undefined> {
    const order = { millis, writes: mixes[mix] }
    return this.#try(() => Promise.all(this.#children.map((child) => ask(child, order))))
  }

  stop(): void {
    for (const child of this.#children) child.kill("SIGKILL")
  }

  async #try<A>(work: () => Promise<A>): Promise<A | undefined> {
    if (this.#failed !== undefined) return undefined
    try {
      return await work()
    } catch (error) {
      this.#failed = messageOf(error)
      console.error(`${this.kind}: ${this.#failed}`)
      this.stop()
      return undefined
    }
  }
}

const ask = (child: ChildProcess, order: FleetOrder): Promise<FleetAnswer> => {
  const answer = answerOf<FleetAnswer>(child, patience)
  child.send(order)
  return answer
}

/** Of all processes together: operations per second, and the CPU time of clients and server for each operation. */
export interface FleetResult extends Result {
  readonly serverCpu: ReadonlyArray<number>
  /** Of the server, for each write. */
  readonly reads: ReadonlyArray<number>
}

/** What the server has done: microseconds of CPU time, and commands. */
interface Load {
  readonly cpu: number
  readonly reads: number
  readonly writes: number
}

const loadOf = async (observer: Redis): Promise<Load> => {
  const info = (await observer.info("cpu")) + (await observer.info("commandstats"))
  const number = (before: string) => Number(new RegExp(`^${before}([\\d.]+)`, "m").exec(info)?.[1] ?? 0)
  return {
    cpu: (number("used_cpu_user:") + number("used_cpu_sys:")) * 1e6,
    reads: number("cmdstat_get:calls="),
    writes: number("cmdstat_set:calls=")
  }
}

export const measureFleets = async (
  url: string,
  rounds: number
): Promise<Readonly<Record<Mix, ReadonlyArray<FleetResult>>>> => {
  const observer = new Redis(Number(new URL(url).port), "127.0.0.1")
  const fleets: Array<Fleet> = []
  for (const kind of Object.keys(fleetMembers)) {
    const fleet = await Fleet.start(kind, url)
    // Ours have the same keys.
    await fleet.warm(kind !== "without near" && kind !== unsharedMap)
    fleets.push(fleet)
  }
  const results = { "99.9 % reads": new Rows(), "99 % reads": new Rows() }
  for (const mix of ["99.9 % reads", "99 % reads"] as const) {
    for (let round = -2; round < rounds; round++) {
      for (const fleet of fleets) {
        const before = await loadOf(observer)
        const answers = await fleet.run(mix)
        const after = await loadOf(observer)
        // The rounds below zero warm up.
        if (answers !== undefined && round >= 0) results[mix].add(fleet.kind, answers, before, after)
      }
    }
  }
  for (const fleet of fleets) fleet.stop()
  observer.disconnect()
  const of = (mix: Mix) =>
    fleets.map(({ failed, kind }): FleetResult => {
      const { cpu, reads, rounds, serverCpu } = results[mix].of(kind)
      return { name: kind, rounds, cpu, serverCpu, reads, slowest: [], failed }
    })
  return { "99.9 % reads": of("99.9 % reads"), "99 % reads": of("99 % reads") }
}

interface Row {
  readonly rounds: Array<number>
  readonly cpu: Array<number>
  readonly serverCpu: Array<number>
  readonly reads: Array<number>
}

class Rows {
  readonly #rows = new Map<string, Row>()

  of(kind: string): Row {
    const known = this.#rows.get(kind) ?? { rounds: [], cpu: [], serverCpu: [], reads: [] }
    this.#rows.set(kind, known)
    return known
  }

  add(kind: string, answers: ReadonlyArray<FleetAnswer>, before: Load, after: Load): void {
    const { cpu, reads, rounds, serverCpu } = this.of(kind)
    const operations = answers.reduce((sum, answer) => sum + answer.operations, 0)
    rounds.push(answers.reduce((sum, { millis, operations }) => sum + (operations / millis) * 1000, 0))
    cpu.push(answers.reduce((sum, answer) => sum + answer.cpu, 0) / operations)
    serverCpu.push((after.cpu - before.cpu) / operations)
    reads.push((after.reads - before.reads) / (after.writes - before.writes))
  }
}
