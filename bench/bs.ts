import { Effect } from "effect"
import { startServer } from "../test/support/ValkeyServer.ts"
import { measure, perSecond, times, Runner } from "./measure.ts"
await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { url } = yield* startServer()
      yield* Effect.promise(async () => {
        const runners = [
          await Runner.start("effect-vcache structures", url),
          await Runner.start("iovalkey by hand", url)
        ]
        for (const w of ["hashGet", "hashSet", "list", "sortedSet", "lock"] as const) {
          const [a, b] = await measure(runners, w, 64, 7)
          console.log(w, Math.round(perSecond(a!)), Math.round(perSecond(b!)), times(a!, b!).toFixed(2))
        }
        for (const r of runners) r.stop()
      })
    })
  )
)
