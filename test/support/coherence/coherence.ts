/** Readers with near caches, a writer, and whatever can go wrong with one server; then a judgement of what was read. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import { Effect, Fiber, type Scope } from "effect"
import { Dice } from "../Dice.ts"
import { pause } from "../pause.ts"
import { startServer, type ValkeyServer } from "../ValkeyServer.ts"
import type { CounterProof } from "./breaks.ts"
import { checkHistories, type Verdict } from "./checkHistories.ts"
import type { Word, WorkerOptions } from "./coherenceWorker.ts"
import { type DelayingProxy, startDelayingProxy } from "./DelayingProxy.ts"
import type { ProcessHistory } from "./History.ts"
import { type ReaderOptions, runReader } from "./reader.ts"
import { Writer } from "./Writer.ts"

export interface CoherenceOptions {
  readonly readers: number
  /** In processes of their own, or all in this one. */
  readonly apart: boolean
  /** Goes on until so many milliseconds have passed, and each fault has happened. */
  readonly millis: number
  /** Some of the faults, which then happen once. Default: all, again and again. */
  readonly some?: number | undefined
  /** Milliseconds. */
  readonly maxStaleness: number
  readonly seed: string
  readonly broken?: CounterProof | undefined
}

const keysOfOthers = Array.from({ length: 40 }, (_, i) => i)
const ownKeysOf = (reader: number) => Array.from({ length: 4 }, (_, i) => 1000 + 10 * reader + i)

interface Reader {
  readonly proxy: DelayingProxy
  readonly say: (word: Word) => void
  readonly freeze: (millis: number) => Effect.Effect<void>
  readonly history: Effect.Effect<ProcessHistory>
}

export const coherence = (settings: CoherenceOptions): Effect.Effect<Verdict, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { maxStaleness, millis, seed } = settings
    const dice = new Dice(seed)
    const prefix = "coherence"
    const server = yield* startServer()
    const other = yield* startServer("--replicaof", `${server.host} ${server.port}`)
    yield* server.replicated(1)
    const writer = yield* Writer.over(server, { prefix, dice: new Dice(`${seed} writer`), maxStaleness })
    const readers = yield* Effect.forEach(
      Array.from({ length: settings.readers }, (_, i) => i),
      (i) => startReader(settings, i, server, other, prefix)
    )
    const ends = performance.now() + millis
    const isOver = () => performance.now() > ends
    let isDone = false
    const writing = yield* Effect.forkChild(
      Effect.gen(function* () {
        while (!isDone) {
          yield* writer.change(keysOfOthers)
          yield* pause(5 + dice.below(20))
        }
      })
    )
    const proxies = readers.map(({ proxy }) => proxy)
    const faults = makeFaults({ dice, maxStaleness, proxies, readers, server, writer })
    // Each of them at least once.
    do {
      for (const fault of shuffled(faults, dice).slice(0, settings.some)) {
        yield* fault
        yield* pause(maxStaleness * (2 + dice.next()))
      }
    } while (!isOver())
    isDone = true
    yield* Fiber.join(writing)
    // A server that has been left behind without knowing it: it announces nothing more, and answers whoever still asks it.
    for (const { say } of readers) say("quiet")
    yield* pause(maxStaleness)
    yield* server.replicated(1)
    yield* other.call("REPLICAOF", "NO", "ONE")
    yield* writer.moveTo(other)
    for (const proxy of proxies) {
      proxy.target = other.port
      proxy.kill("data")
    }
    for (let i = 0; i < 30; i++) {
      yield* writer.change(keysOfOthers)
      yield* pause(maxStaleness / 10)
    }
    yield* pause(4 * maxStaleness)
    for (const { say } of readers) say("over")
    const histories = yield* Effect.forEach(readers, ({ history }) => history, { concurrency: "unbounded" })
    return checkHistories([...histories, writer.history], maxStaleness)
  })

const startReader = (
  { apart, broken, maxStaleness, seed }: CoherenceOptions,
  index: number,
  server: ValkeyServer,
  other: ValkeyServer,
  prefix: string
): Effect.Effect<Reader, never, Scope.Scope> =>
  Effect.gen(function* () {
    const proxy = yield* startDelayingProxy(server.port)
    const options: ReaderOptions = {
      name: `reader ${index}`,
      url: proxy.url,
      directUrl: other.url,
      prefix,
      keys: keysOfOthers,
      ownKeys: ownKeysOf(index),
      maxStaleness,
      fibers: 8,
      seed,
      leavesOldEntries: broken === "a bypass that leaves the old entry"
    }
    return apart ? yield* startProcess({ ...options, broken }, proxy) : yield* startHere(options, proxy)
  })

const startHere = (options: ReaderOptions, proxy: DelayingProxy): Effect.Effect<Reader, never, Scope.Scope> =>
  Effect.gen(function* () {
    let word: Word | undefined
    const fiber = yield* Effect.forkScoped(
      runReader(options, { isOver: () => word === "over", isQuiet: () => word !== undefined })
    )
    return {
      proxy,
      say: (told) => void (word = told),
      freeze: () => Effect.void,
      history: Fiber.join(fiber)
    }
  })

const startProcess = (options: WorkerOptions, proxy: DelayingProxy): Effect.Effect<Reader, never, Scope.Scope> =>
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
    const history = new Promise<ProcessHistory>((resolve, reject) => {
      child.once("message", (message) => resolve(message as ProcessHistory))
      child.once("exit", (code) => reject(new Error(`a reader ended with ${code}`)))
    })
    history.catch(() => {})
    return {
      proxy,
      say: (word) => void child.send(word),
      freeze: (millis) =>
        Effect.gen(function* () {
          child.kill("SIGSTOP")
          yield* pause(millis)
          child.kill("SIGCONT")
        }),
      history: Effect.promise(() => history)
    }
  })

const shuffled = <A>(all: ReadonlyArray<A>, dice: Dice): ReadonlyArray<A> =>
  all
    .map((one) => [dice.next(), one] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, one]) => one)

interface FaultTargets {
  readonly dice: Dice
  readonly maxStaleness: number
  readonly proxies: ReadonlyArray<DelayingProxy>
  readonly readers: ReadonlyArray<Reader>
  readonly server: ValkeyServer
  readonly writer: Writer
}

const makeFaults = ({
  dice,
  maxStaleness,
  proxies,
  readers,
  server,
  writer
}: FaultTargets): ReadonlyArray<Effect.Effect<void>> => {
  const forWhile = (millis: number, begin: () => void, end: () => void) =>
    Effect.andThen(Effect.sync(begin), Effect.andThen(pause(millis), Effect.sync(end)))
  const delayed = (line: "data" | "channel", delay: number, millis: number) =>
    Effect.suspend(() =>
      forWhile(
        millis,
        () => proxies.forEach(({ delays }) => void (delays[line] = delay)),
        () => proxies.forEach(({ delays }) => void (delays[line] = 0))
      )
    )
  const changes = Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], () => writer.change(keysOfOthers), { discard: true })
  return [
    Effect.asVoid(server.call("CLIENT", "KILL", "TYPE", "pubsub")),
    Effect.flatMap(server.call("CLIENT", "LIST", "TYPE", "normal"), (list) =>
      Effect.forEach(
        [...String(list).matchAll(/^id=(\d+) .* name=reader /gm)],
        ([, id = ""]) => server.call("CLIENT", "KILL", "ID", id),
        { discard: true }
      )
    ),
    Effect.sync(() => proxies.forEach((proxy) => proxy.kill("data"))),
    // What changes while nobody listens is announced to nobody.
    Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        for (const proxy of proxies) {
          proxy.isClosed = true
          proxy.kill("channel")
        }
        yield* changes
        for (const proxy of proxies) proxy.isClosed = false
        yield* pause(2 * maxStaleness)
      }
    }),
    Effect.suspend(() =>
      Effect.gen(function* () {
        yield* server.freeze
        yield* pause(maxStaleness * (0.5 + 2 * dice.next()))
        yield* server.thaw
      })
    ),
    Effect.suspend(() => dice.pick(readers).freeze(maxStaleness * (0.5 + 2 * dice.next()))),
    // Replies come after the announcements of what has changed meanwhile.
    Effect.suspend(() => delayed("data", 20 + dice.below(230), 3 * maxStaleness)),
    // Proofs come late, and then so late that they prove too little.
    Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        for (const proxy of proxies) proxy.delays.channel = 0.4 * maxStaleness
        yield* pause(2 * maxStaleness)
        for (const proxy of proxies) proxy.delays.channel = 1.7 * maxStaleness
        // What changes now is announced after a proof that was asked for before.
        yield* changes
        yield* pause(2 * maxStaleness)
      }
      for (const proxy of proxies) proxy.delays.channel = 0
    }),
    Effect.suspend(() => {
      const proxy = dice.pick(proxies)
      return forWhile(
        3 * maxStaleness,
        () => void (proxy.isHalfOpen = true),
        () => {
          proxy.isHalfOpen = false
          proxy.kill("channel")
        }
      )
    }),
    // Reads are under way when everything goes, and none of them began before the last write.
    Effect.gen(function* () {
      for (let i = 0; i < 4; i++) {
        for (const { delays } of proxies) delays.data = 200
        yield* writer.flush(
          keysOfOthers,
          Effect.suspend(() => pause(100 + dice.below(250)))
        )
        for (const { delays } of proxies) delays.data = 0
        yield* pause(2 * maxStaleness)
      }
    })
  ]
}
