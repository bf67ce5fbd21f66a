/** One of the processes that work. What it is told to do is done once, though it may be begun more often. */
import { Effect, Schedule, Schema, Stream } from "effect"
import { CacheFromConfig, CacheService, type StreamEntry } from "effect-vcache"
import { Task } from "./task.ts"

const name = `worker ${process.pid}`

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  const group = cache.withSchema(Task).stream("{tasks}:stream").group("workers")
  const results = cache.withSchema(Schema.String).hash("{tasks}:results")

  const work = ({ fields, id }: StreamEntry<Task>) =>
    Effect.gen(function* () {
      for (const { number } of fields.values()) {
        yield* Effect.sleep("10 millis")
        // A task may be delivered twice: the result of the first worker stays.
        yield* results.setIfAbsent(String(number), name)
      }
      yield* group.ack(id)
    })

  // One of all workers looks after those that died; another takes over when it dies itself.
  const rescue = cache.lock("{tasks}:rescue", { lease: "1 second", wait: "Infinity" }).withLock(
    Effect.forever(
      Effect.gen(function* () {
        const { entries } = yield* group.autoClaim(name, "500 millis")
        yield* Effect.forEach(entries, work)
        yield* Effect.sleep("200 millis")
      })
    )
  )

  yield* Effect.all(
    [Stream.runForEach(group.consume(name, { count: 5 }), work), Effect.retry(rescue, Schedule.spaced("1 second"))],
    {
      concurrency: "unbounded"
    }
  )
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))
