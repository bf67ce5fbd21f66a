/** What the tests of faults have in common: short timeouts, bounds on real time, and nothing printed or left behind. */
import { spawn } from "node:child_process"
import { inspect } from "node:util"
import { afterEach, assert, beforeEach, it } from "@effect/vitest"
import { Effect, Layer, type Redacted, Schedule, type Scope } from "effect"
import {
  type CacheError,
  CacheLive,
  CacheService,
  type ConnectionOptions,
  ValkeyClient,
  ValkeyUrl
} from "effect-vcache"
import { ownTime } from "./ownTime.ts"
import { bounded, inTime } from "./until.ts"

/** Short times, so that every bound is seen. */
export const profile = {
  commandTimeout: 400,
  socketTimeout: 800,
  connectTimeout: 1500,
  closeTimeout: 800,
  queueTimeout: 300,
  reconnect: { base: 50, max: 200 }
} satisfies ConnectionOptions

/** Where nothing fails, and a busy machine is waited for. */
export const patient = {
  commandTimeout: "10 seconds",
  socketTimeout: "20 seconds",
  queueTimeout: "10 seconds"
} satisfies ConnectionOptions

/**
 * Added to every bound, which is in the time of `ownTime`: the servers are other processes, and wait for the processor too,
 * when none of the tests can see it.
 */
export const slack = 250

const noise: Array<ReadonlyArray<unknown>> = []
const consoleMethods = ["log", "info", "warn", "error", "debug"] as const
const originals = consoleMethods.map((method) => console[method])

/** What keeps a process from ending. */
const held = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(?:TCP|TLS|Pipe|Timeout|ConnectWrap|GetAddrInfo)/.test(name))
    .length

/** Every test of the file: nothing is printed, and a second after its end nothing of it keeps the process alive. */
export const watchForTraces = (): void => {
  let before = 0
  beforeEach(() => {
    noise.length = 0
    before = held()
    for (const method of consoleMethods) console[method] = (...args: ReadonlyArray<unknown>) => noise.push(args)
  })
  afterEach(async () => {
    consoleMethods.forEach((method, i) => (console[method] = originals[i]!))
    assert.deepStrictEqual(noise, [], "nothing is printed")
    const deadline = ownTime() + 1000
    while (held() > before && ownTime() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.isAtMost(held(), before, `left behind: ${process.getActiveResourcesInfo().join(", ")}`)
  })
}

/** Milliseconds of `ownTime`. */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    const started = ownTime()
    return Effect.map(effect, (value) => [value, ownTime() - started] as const)
  })

export const within = <A, E, R>(bound: number, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.map(timed(effect), ([value, millis]) => {
    assert.isBelow(millis, bound + slack)
    return value
  })

export const failureWithin = <A, R>(bound: number, effect: Effect.Effect<A, CacheError, R>) =>
  within(bound, Effect.flip(effect)).pipe(Effect.tap((error) => Effect.sync(() => assertNoSecrets(error))))

export const assertNoSecrets = (error: unknown) => {
  const shown = `${JSON.stringify(error)} ${inspect(error, { depth: 10, showHidden: true })} ${String(error)}`
  assert.notMatch(shown, /SECRET/)
}

export const cacheOn = (url: string | Redacted.Redacted, options: ConnectionOptions = {}) =>
  withCache(ValkeyUrl.layer(url, { ...profile, ...options }))

export const withCache = <E>(client: Layer.Layer<ValkeyClient, E>) => Layer.provideMerge(CacheLive, client)

export const connect = (url: string | Redacted.Redacted, options: ConnectionOptions = {}) =>
  connectTo(cacheOn(url, options))

export const connectTo = <E>(layer: Layer.Layer<CacheService | ValkeyClient, E>) =>
  Effect.map(Layer.build(layer), (context) => ({
    cache: CacheService.pipe(Effect.provideContext(context), Effect.runSync),
    client: ValkeyClient.pipe(Effect.provideContext(context), Effect.runSync)
  }))

/** The ways to open a client of one topology, with short times. */
export const connector = <O extends ConnectionOptions, E>(layer: (options: O) => Layer.Layer<ValkeyClient, E>) => {
  const connect = (options: O) => connectTo(withCache(layer({ ...profile, ...options })))
  return { connect, buildEager: (options: O) => connect({ ...options, connect: "eager" }) }
}

export const buildEager = (url: string | Redacted.Redacted, options: ConnectionOptions = {}) =>
  Layer.build(cacheOn(url, { ...options, connect: "eager" }))

export const expectConnection = (
  error: CacheError,
  phase: "connect" | "lost" | "closed",
  mayHaveExecuted: boolean,
  code?: string
) => {
  assert.strictEqual(error._tag, "CacheConnectionError", String(error))
  if (error._tag !== "CacheConnectionError") return
  assert.strictEqual(error.phase, phase)
  assert.strictEqual(error.mayHaveExecuted, mayHaveExecuted)
  if (code !== undefined) assert.strictEqual(error.code, code)
}

/** What callers may see of servers that come and go. */
export const allTyped = (errors: ReadonlyArray<CacheError>) => {
  for (const error of errors) {
    assert.match(error._tag, /^Cache(?:Connection|Timeout|Server)Error$/, String(error))
    assertNoSecrets(error)
  }
}

export const expectTimeout = (error: CacheError, phase: "connect" | "queue" | "command", mayHaveExecuted: boolean) => {
  assert.strictEqual(error._tag, "CacheTimeoutError", String(error))
  if (error._tag !== "CacheTimeoutError") return
  assert.strictEqual(error.phase, phase)
  assert.strictEqual(error.mayHaveExecuted, mayHaveExecuted)
}

/** Tries until it works; how long that took at most is the caller's bound. */
export const recovered = <A, R>(effect: Effect.Effect<A, CacheError, R>): Effect.Effect<A, CacheError, R> =>
  Effect.suspend(() => {
    let last: unknown = "nothing"
    const noted = Effect.tapError(effect, (error) => Effect.sync(() => (last = error)))
    const tried = Effect.retry(noted, { schedule: Schedule.spaced("10 millis") })
    return bounded("an operation that works again", tried, () => last)
  })

export const test = (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>, timeout?: number) =>
  it.live(name, () => Effect.scoped(Effect.suspend(body)), timeout)

export interface ChildOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that uses a cache, closes it and has nothing else to do; the time from its last word to its end. */
export const runChild = async (url: string): Promise<readonly [ChildOutcome, number]> => {
  const program = new URL("./closingProgram.ts", import.meta.url)
  const child = spawn(process.execPath, ["--conditions=effect-vcache-source", program.pathname, url])
  let stdout = ""
  let stderr = ""
  let closedAt = 0
  child.stdout.on("data", (data) => {
    stdout += data
    closedAt = ownTime()
  })
  child.stderr.on("data", (data) => (stderr += data))
  const ended = new Promise<readonly [ChildOutcome, number]>((resolve) =>
    child.once("close", (code) => resolve([{ code, stdout, stderr }, ownTime() - closedAt]))
  )
  try {
    return await inTime("the end of a program that closes its cache", ended, () => `it printed ${stdout}${stderr}`)
  } finally {
    child.kill("SIGKILL")
  }
}
