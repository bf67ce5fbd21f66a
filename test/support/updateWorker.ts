/** One of several processes that update a counter at the same time. Run as a child by `updateRace.ts`. */
import { Effect, Layer, Option } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"

export interface UpdateWorkerOptions {
  readonly url: string
  readonly keys: ReadonlyArray<string>
  /** At once, each on all keys. */
  readonly fibers: number
  /** Of each fiber on each key. */
  readonly updates: number
}

const { fibers, keys, updates, url }: UpdateWorkerOptions = JSON.parse(process.argv[2] ?? "{}")

// Not a number, so that the server could not count it.
const count = Option.match({
  onNone: () => Option.some<unknown>({ n: 1 }),
  onSome: (value) => Option.some({ n: Number(Reflect.get(Object(value), "n")) + 1 })
})

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  yield* cache.get("connected")
  console.log("ready")
  yield* Effect.promise(() => new Promise((resume) => process.stdin.once("data", resume)))
  yield* Effect.forEach(
    Array.from({ length: fibers }),
    () => Effect.forEach(keys, (key) => Effect.repeat(cache.update(key, count), { times: updates - 1 })),
    { concurrency: "unbounded", discard: true }
  )
})

await Effect.runPromise(Effect.provide(program, Layer.provide(CacheLive, ValkeyUrl.layer(url))))
process.stdin.destroy()
