/**
 * A task queue for several processes, on a stream: nothing is lost when one of them is killed.
 * `npm run example examples/task-queue/main.ts`; it starts a Valkey of its own.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { Effect, Layer, Schema } from "effect"
import { CacheLive, CacheService, ValkeyStandalone } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"
import { Task } from "./task.ts"

const total = 300

const program = Effect.gen(function* () {
  const url = yield* LocalValkey.start
  const startWorker = Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=effect-vcache-source", join(import.meta.dirname, "worker.ts")], {
        env: { ...process.env, VALKEY_URL: url },
        stdio: "inherit"
      })
    ),
    (child: ChildProcess) => Effect.sync(() => child.kill("SIGKILL"))
  )

  yield* Effect.gen(function* () {
    const cache = yield* CacheService
    const stream = cache.withSchema(Task).stream("{tasks}:stream")
    const results = cache.withSchema(Schema.String).hash("{tasks}:results")
    const until = (done: number): Effect.Effect<void> =>
      Effect.repeat(Effect.delay(Effect.orDie(results.size), "20 millis"), { until: (size) => size >= done })

    yield* stream.group("workers").create({ from: "0" })
    yield* Effect.forEach(
      Array.from({ length: total }, (_, number) => number),
      (number) => stream.add({ task: { number } }),
      { concurrency: "unbounded" }
    )
    const workers = yield* Effect.all([startWorker, startWorker, startWorker])
    yield* until(50)
    workers[0]?.kill("SIGKILL")
    yield* until(total)
    yield* Effect.repeat(Effect.delay(stream.group("workers").pendingSummary, "20 millis"), {
      until: ({ count }) => count === 0
    })

    const done = yield* results.getAll
    console.log("tasks", total, "workers", workers.length, "of which killed", 1)
    console.log("done", done.size, "pending", (yield* stream.group("workers").pendingSummary).count)
  }).pipe(Effect.provide(Layer.provide(CacheLive, ValkeyStandalone.layer({ url }))))
})

await Effect.runPromise(Effect.scoped(program))

// Prints:
// tasks 300 workers 3 of which killed 1
// done 300 pending 0
