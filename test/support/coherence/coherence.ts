/** Readers with near caches, a writer, and whatever can go wrong with a site; then a judgement of what was read. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import { Deferred, Effect, Exit, Fiber, type Scope } from "effect"
import type { NearOptions } from "effect-vcache"
import { Dice, some } from "../Dice.ts"
import { pause } from "../pause.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"
import { type Access, clientOf } from "./Access.ts"
import type { CounterProof } from "./breaks.ts"
import { checkHistories, type Verdict } from "./checkHistories.ts"
import type { WorkerOptions } from "./coherenceWorker.ts"
import { type DelayingProxy, startDelayingProxy } from "./DelayingProxy.ts"
import { commonFaults, type Fault } from "./faults.ts"
import type { ProcessHistory } from "./History.ts"
import { keysOfOthers, ownKeysOf, prefix, restlessKeys } from "./keys.ts"
import { type Connect, type ReaderOptions, runReader } from "./reader.ts"
import type { Site } from "./Site.ts"
import { Torture, type TorturedReader, type Word } from "./Torture.ts"
import { Writer } from "./Writer.ts"

export interface CoherenceOptions {
  readonly site: Site
  /** How each of them keeps what it reads. */
  readonly readers: ReadonlyArray<Mode>
  /** In processes of their own, where the site is not in this one, or all in this one. */
  readonly apart: boolean
  /** Reads at a time, of each reader. */
  readonly fibers: number
  /** Goes on until so many milliseconds have passed, and each fault has happened. */
  readonly millis: number
  /** Those of the site's own faults and of the common ones that happen. Default: all. */
  readonly choose?: (own: ReadonlyArray<Fault>, common: ReadonlyArray<Fault>) => ReadonlyArray<Fault>
  /** Milliseconds. */
  readonly maxStaleness: number
  readonly seed: string
  readonly broken?: CounterProof | undefined
}

export type Mode = "broadcast" | "perKey" | "all"

export interface Coherence extends Verdict {
  /** How often each fault has happened. */
  readonly happened: Readonly<Record<string, number>>
}

const all = (own: ReadonlyArray<Fault>, common: ReadonlyArray<Fault>) => [...own, ...common]

export const coherence = (options: CoherenceOptions): Effect.Effect<Coherence, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { maxStaleness, millis, readers: modes, seed, site } = options
    const dice = new Dice(seed)
    const writer = new Writer({ site, dice: new Dice(`${seed} writer`), maxStaleness })
    const readers = yield* Effect.forEach(modes, (mode, i) => startReader(options, mode, i), {
      concurrency: "unbounded"
    })
    const torture = new Torture({ site, readers, writer, dice, maxStaleness })
    const ends = performance.now() + millis
    let isDone = false
    const writing = yield* Effect.forkChild(
      Effect.gen(function* () {
        while (!isDone) {
          yield* writer.change(restlessKeys)
          yield* pause(5 + dice.below(20))
        }
      })
    )
    const faults = (options.choose ?? all)(site.faults(torture), commonFaults(torture))
    const happened: Record<string, number> = {}
    // Each of them at least once.
    do {
      for (const { happen, name } of some(faults, faults.length, dice)) {
        yield* happen
        happened[name] = (happened[name] ?? 0) + 1
        yield* pause(maxStaleness * (2 + dice.next()))
      }
    } while (performance.now() < ends)
    isDone = true
    yield* Fiber.join(writing)
    if (site.finale !== undefined) yield* site.finale(torture)
    for (const { tell } of readers) tell({ say: "quiet" })
    yield* pause(4 * maxStaleness)
    const direct = typeof site.access === "function" ? site.access(({ host, port }) => ({ host, port })) : undefined
    for (const { tell } of readers) tell({ say: "over", direct })
    const histories = yield* Effect.forEach(readers, ({ history }) => history, { concurrency: "unbounded" })
    return { ...checkHistories([...histories, writer.history], maxStaleness), happened }
  })

const nearOf = (mode: Mode, maxStaleness: number): NearOptions => {
  // A few have to make room for others.
  const maxEntries = Math.ceil(keysOfOthers.length * 1.05)
  switch (mode) {
    case "broadcast":
      return { maxStaleness, maxEntries }
    case "perKey":
      return { maxStaleness, maxEntries, tracking: "perKey" }
    case "all":
      return { maxStaleness, hold: "all" }
  }
}

const startReader = (
  { apart, broken, fibers, maxStaleness, seed, site }: CoherenceOptions,
  mode: Mode,
  index: number
): Effect.Effect<TorturedReader, never, Scope.Scope> =>
  Effect.gen(function* () {
    const proxies = new Map<ValkeyServer, DelayingProxy>()
    for (const server of site.servers) proxies.set(server, yield* startDelayingProxy(server.port))
    const options: ReaderOptions = {
      name: `reader ${index} (${mode})`,
      prefix,
      keys: keysOfOthers,
      ownKeys: ownKeysOf(index),
      near: nearOf(mode, maxStaleness),
      fibers,
      seed,
      leavesOldEntries: broken === "a bypass that leaves the old entry"
    }
    const client = site.access
    if (typeof client !== "function") return { ...(yield* startHere(options, () => client)), proxies }
    const access = client((server) => ({ host: "127.0.0.1", port: proxies.get(server)!.port }))
    const started = apart
      ? startProcess({ ...options, access, broken })
      : startHere(options, (direct) => clientOf(direct ?? access))
    return { ...(yield* started), proxies }
  })

type Started = Omit<TorturedReader, "proxies">

const startHere = (
  options: ReaderOptions,
  connectBy: (direct: Access | undefined) => ReturnType<Connect>
): Effect.Effect<Started, never, Scope.Scope> =>
  Effect.gen(function* () {
    let isQuiet = false
    let isOver = false
    let direct: Access | undefined
    const ready = yield* Deferred.make<void>()
    const connect: Connect = (isDirect) => connectBy(isDirect ? direct : undefined)
    const fiber = yield* Effect.forkScoped(
      runReader(options, connect, {
        isOver: () => isOver,
        isQuiet: () => isQuiet,
        onReady: () => Deferred.doneUnsafe(ready, Exit.void)
      })
    )
    yield* Deferred.await(ready)
    return {
      tell: (word) => {
        if (word.say === "over") {
          direct = word.direct
          isOver = true
        } else if (word.say !== "block") isQuiet = word.say === "quiet"
      },
      freeze: undefined,
      history: Fiber.join(fiber)
    }
  })

const startProcess = (options: WorkerOptions): Effect.Effect<Started, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child: ChildProcess = yield* Effect.acquireRelease(
      Effect.sync(() =>
        fork(join(import.meta.dirname, "coherenceWorker.ts"), [JSON.stringify(options)], {
          execArgv: ["--conditions=effect-vcache-source"],
          serialization: "advanced"
        })
      ),
      (child) =>
        Effect.sync(() => {
          child.kill("SIGCONT")
          child.kill("SIGKILL")
        })
    )
    const next = () =>
      new Promise<unknown>((resolve, reject) => {
        child.once("message", resolve)
        child.once("exit", (code) => reject(new Error(`a reader ended with ${code}`)))
      })
    yield* Effect.promise(next)
    const history = next()
    history.catch(() => {})
    return {
      tell: (word: Word) => void child.send(word),
      freeze: (millis) =>
        Effect.gen(function* () {
          child.kill("SIGSTOP")
          yield* pause(millis)
          child.kill("SIGCONT")
        }),
      history: Effect.map(
        Effect.promise(() => history),
        (message) => message as ProcessHistory
      )
    }
  })
