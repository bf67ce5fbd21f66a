/** A work queue on lists: workers wait, and a job that its worker drops is found again. `npm run example examples/work-queue.ts` */
import { Deferred, Effect, Option, Schema } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const Job = Schema.Struct({ id: Schema.Int, text: Schema.String })

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "work-queue" }).withSchema(Job)
  yield* cache.clear
  // One hash tag, so that both lists are in one slot of a cluster.
  const queue = cache.list("{jobs}:waiting")
  const working = cache.list("{jobs}:working")
  const finished: Array<string> = []
  const all = yield* Deferred.make<void>()

  const worker = Effect.gen(function* () {
    for (;;) {
      // In one step from one list to the other, so that the job is in one of them whatever happens to the worker.
      const job = yield* queue.moveTo("{jobs}:working", { timeout: "1 second" })
      if (Option.isNone(job)) continue
      yield* Effect.sleep("5 millis")
      yield* working.remove(job.value)
      finished.push(`${job.value.text} done`)
      if (finished.length === 6) yield* Deferred.succeed(all, undefined)
    }
  })

  // A worker that dies with a job in its hands leaves it in the second list.
  yield* queue.pushRight({ id: 0, text: "job 0" })
  yield* queue.moveTo("{jobs}:working")
  console.log(
    "left behind:",
    (yield* working.range()).map(({ text }) => text)
  )
  yield* working.moveTo("{jobs}:waiting")

  yield* Effect.forkChild(worker)
  yield* Effect.forkChild(worker)
  yield* queue.pushRight(...Array.from({ length: 5 }, (_, i) => ({ id: i + 1, text: `job ${i + 1}` })))
  yield* Deferred.await(all)
  console.log(finished.toSorted().join(", "))
  console.log("waiting", yield* queue.size, "working", yield* working.size)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// left behind: [ 'job 0' ]
// job 0 done, job 1 done, job 2 done, job 3 done, job 4 done, job 5 done
// waiting 0 working 0
