/**
 * Processes that fight for a lock or for permits while they are killed, paused past their lease, lose replies, and have
 * their clocks set. Whether two ever worked at the same time is told by what they did, not by what the lock says.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { Effect, Layer, type Scope } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
import { pause } from "./pause.ts"
import { startProxy } from "./Proxy.ts"
import { startServer } from "./ValkeyServer.ts"
import type { WorkerOptions } from "./tortureWorker.ts"

export interface TortureOptions {
  readonly acquisitions: number
  /** For a semaphore. Default: a lock. */
  readonly permits?: number | undefined
  readonly processes?: number | undefined
  /** How many locks or semaphores, each for itself. */
  readonly locks?: number | undefined
  /** In each process, for each of them. */
  readonly fibers?: number | undefined
  /** Milliseconds. */
  readonly lease?: number | undefined
  /** Milliseconds between faults. */
  readonly faultEvery?: number | undefined
  /** Gives up then. */
  readonly atMost?: number | undefined
}

export interface TortureReport {
  readonly acquisitions: number
  readonly completed: number
  /** Acquired though the one before had not released. */
  readonly takeovers: number
  readonly lost: number
  /** Reads and writes that came too late, and were refused by their fence. */
  readonly refused: number
  readonly failed: Readonly<Record<string, number>>
  readonly killed: number
  readonly paused: number
  readonly repliesLost: number
  readonly seconds: number
  /** All of them must be 0. */
  readonly violations: {
    readonly overlaps: number
    readonly fences: number
    readonly lostUpdates: number
  }
}

interface Section {
  readonly lock: number
  readonly fence: bigint
  done: { readonly start: bigint; readonly end: bigint; readonly weight: number } | undefined
}

const worker = new URL("./tortureWorker.ts", import.meta.url).pathname

export const torture = (options: TortureOptions): Effect.Effect<TortureReport, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { acquisitions, atMost = 120_000, faultEvery = 400, lease = 200, permits } = options
    const { fibers = 2, locks = 3, processes = 4 } = options
    const server = yield* startServer()
    const proxy = yield* startProxy(server.port)
    const sections = new Map<string, Section>()
    const failed: Record<string, number> = {}
    const counts = { refused: 0, killed: 0, paused: 0, repliesLost: 0 }
    const children = new Map<string, ChildProcess>()
    /** Told which process holds, as soon as one does. */
    let onHolder: ((worker: string) => void) | undefined
    let names = 0
    let stderr = ""

    const onLine = (line: string) => {
      const [word, id = "", ...rest] = line.split(" ")
      const section = sections.get(id)
      if (word === "begin") {
        const [name = "", lock] = id.split(".")
        onHolder?.(name)
        sections.set(id, { lock: Number(lock), fence: BigInt(rest[0] ?? 0), done: undefined })
      } else if (word === "refused") counts.refused++
      else if (word === "failed") failed[rest[0] ?? ""] = (failed[rest[0] ?? ""] ?? 0) + 1
      else if (word === "done" && section !== undefined) {
        const [start = 0, end = 0, weight = 1] = rest
        section.done = { start: BigInt(start), end: BigInt(end), weight: Number(weight) }
      }
    }

    const spawnOne = () => {
      const name = String(++names)
      const settings: WorkerOptions = {
        url: proxy.url,
        directUrl: server.url,
        permits,
        lease,
        locks,
        fibers,
        name
      }
      const child = spawn(process.execPath, ["--conditions=effect-vcache-source", worker, JSON.stringify(settings)], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      let rest = ""
      child.stdout.on("data", (data) => {
        const lines = `${rest}${String(data)}`.split("\n")
        rest = lines.pop() ?? ""
        lines.forEach(onLine)
      })
      child.stderr.on("data", (data) => (stderr += String(data)))
      children.set(name, child)
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const child of children.values()) child.kill("SIGKILL")
      })
    )
    for (let i = 0; i < processes; i++) spawnOne()

    /** Stops or ends a process in the middle of its section. */
    const hitHolder = (signal: "SIGKILL" | "SIGSTOP") =>
      Effect.callback<string>((resume) => {
        onHolder = (name) => {
          onHolder = undefined
          children.get(name)?.kill(signal)
          resume(Effect.succeed(name))
        }
      })

    const faults: ReadonlyArray<() => Effect.Effect<void>> = [
      () =>
        Effect.map(hitHolder("SIGKILL"), (name) => {
          counts.killed++
          children.delete(name)
          spawnOne()
        }),
      () =>
        Effect.gen(function* () {
          const name = yield* hitHolder("SIGSTOP")
          counts.paused++
          yield* pause(lease * 1.5)
          children.get(name)?.kill("SIGCONT")
        }),
      () =>
        Effect.gen(function* () {
          counts.repliesLost++
          proxy.dropReplies = true
          yield* pause(20)
          proxy.dropReplies = false
          proxy.reset()
        })
    ]

    const started = performance.now()
    for (let turn = 0; sections.size < acquisitions && performance.now() - started < atMost; turn++) {
      yield* pause(faultEvery)
      // Pauses and lost replies more often than kills: a new process takes its time to begin.
      const fault = faults[turn % 12 === 11 ? 0 : 1 + (turn % 2)]!
      // If nobody gets it any more there is no holder to hit.
      yield* Effect.timeoutOption(fault(), 10_000)
    }
    const seconds = (performance.now() - started) / 1000
    for (const child of children.values()) child.kill("SIGKILL")
    yield* pause(100)
    if (stderr !== "") yield* Effect.die(new Error(stderr))

    const context = yield* Effect.orDie(Layer.build(Layer.provide(CacheLive, ValkeyUrl.layer(server.url))))
    const { client } = Effect.runSync(Effect.provideContext(CacheService, context))
    const all = [...sections.values()]
    let takeovers = 0
    const violations = { overlaps: 0, fences: 0, lostUpdates: 0 }
    for (let lock = 0; lock < locks; lock++) {
      const own = all.filter((section) => section.lock === lock)
      violations.overlaps += overlaps(own, permits ?? 1)
      if (permits !== undefined) {
        takeovers += own.filter(({ done }) => done === undefined).length
        continue
      }
      const byFence = own.toSorted((a, b) => (a.fence < b.fence ? -1 : 1))
      takeovers += byFence.filter((_, i) => i > 0 && byFence[i - 1]!.done === undefined).length
      violations.fences += fencesOutOfOrder(own)
      const written = yield* Effect.orDie(client.send("HMGET", [`resource ${lock}`, "value", "writes"]))
      const [value = 0, writes = 0] = Array.isArray(written) ? written.map(Number) : []
      violations.lostUpdates += writes - value
    }
    return {
      acquisitions: all.length,
      completed: all.filter(({ done }) => done !== undefined).length,
      takeovers,
      lost: failed["LockLost"] ?? 0,
      failed,
      ...counts,
      seconds,
      violations
    }
  })

/** How many of those that ended well began while too many others were at work. */
const overlaps = (sections: ReadonlyArray<Section>, permits: number): number => {
  const events = sections.flatMap(({ done }) =>
    done === undefined
      ? []
      : [
          { at: done.start, change: done.weight },
          { at: done.end, change: -done.weight }
        ]
  )
  events.sort((a, b) => (a.at === b.at ? a.change - b.change : a.at < b.at ? -1 : 1))
  let working = 0
  return events.filter(({ change }) => (working += change) > permits && change > 0).length
}

/** Fences that two had, or that did not grow from one section to the next. */
const fencesOutOfOrder = (sections: ReadonlyArray<Section>): number => {
  const twice = sections.length - new Set(sections.map(({ fence }) => fence)).size
  const inTime = sections
    .flatMap(({ done, fence }) => (done === undefined ? [] : [{ start: done.start, fence }]))
    .toSorted((a, b) => (a.start < b.start ? -1 : 1))
  return twice + inTime.filter(({ fence }, i) => i > 0 && fence <= inTime[i - 1]!.fence).length
}
