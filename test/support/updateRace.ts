/** Processes that update the same keys at the same time: each update must be found in the end. */
import { spawn } from "node:child_process"
import { Effect, type Scope } from "effect"
import { type CacheError, ValkeyUrl } from "effect-vcache"
import { cacheOverLayer } from "./cacheOver.ts"
import type { UpdateWorkerOptions } from "./updateWorker.ts"

export interface UpdateRaceOptions {
  readonly processes: number
  readonly keys: number
  readonly fibers: number
  readonly updates: number
}

export interface UpdateRaceReport {
  /** For each key. */
  readonly expected: number
  readonly counted: ReadonlyArray<unknown>
  readonly millis: number
}

const worker = new URL("./updateWorker.ts", import.meta.url).pathname

export const updateRace = (
  url: string,
  { fibers, keys, processes, updates }: UpdateRaceOptions
): Effect.Effect<UpdateRaceReport, CacheError, Scope.Scope> =>
  Effect.gen(function* () {
    const names = Array.from({ length: keys }, (_, i) => `counter ${i}`)
    const settings: UpdateWorkerOptions = { url, keys: names, fibers, updates }
    const children = Array.from({ length: processes }, () =>
      spawn(process.execPath, ["--conditions=effect-vcache-source", worker, JSON.stringify(settings)], {
        stdio: ["pipe", "pipe", "inherit"]
      })
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => children.forEach((child) => child.kill("SIGKILL"))))
    const ends = children.map(
      (child) => new Promise<number | null>((resume) => child.once("exit", (code) => resume(code)))
    )
    const ready = children.map(
      (child, i) =>
        new Promise<void>((resume, reject) => {
          child.stdout.once("data", () => resume())
          void ends[i]!.then((code) => reject(new Error(`a process ended with ${code} before it began`)))
        })
    )
    yield* Effect.promise(() => Promise.all(ready))
    const began = process.hrtime.bigint()
    for (const child of children) child.stdin.write("go\n")
    const codes = yield* Effect.promise(() => Promise.all(ends))
    const millis = Number(process.hrtime.bigint() - began) / 1e6
    if (codes.some((code) => code !== 0)) return yield* Effect.die(new Error(`processes ended with ${codes.join()}`))
    const cache = yield* cacheOverLayer(ValkeyUrl.layer(url))
    const found = yield* cache.getMany(names)
    const counted = names.map((name) => Reflect.get(Object(found.get(name)), "n"))
    return { expected: processes * fibers * updates, counted, millis }
  })
