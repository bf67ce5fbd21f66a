/**
 * Tortures runners of Effect Cluster that share shards over `EffectRunnerStorage`: `npm run runners`, `npm run runners -- --seconds 60`.
 * Exits with 1 where two runners held a shard at the same time, or nobody holds one when all is calm.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { ValkeyStandalone } from "effect-vcache"
import { pause } from "../test/support/pause.ts"
import { runnerTorture } from "../test/support/runnerTorture.ts"
import { startServer } from "../test/support/ValkeyServer.ts"

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, seed: { type: "string", default: String(Date.now()) } }
})

const report = await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* startServer()
      const kick = server.call("CLIENT", "KILL", "TYPE", "normal")
      const freeze = Effect.andThen(server.freeze, Effect.andThen(pause(500), server.thaw))
      let round = 0
      return yield* runnerTorture({
        lasts: Number(values.seconds) * 1000,
        seed: values.seed,
        client: ValkeyStandalone.layer({ url: server.url, commandTimeout: "300 millis" }),
        disturb: Effect.suspend(() => (++round % 4 === 0 ? freeze : kick))
      })
    })
  )
)
const { violations, ...figures } = report
for (const [what, count] of Object.entries(figures)) console.log(`${String(count).padStart(8)} ${what}`)
console.log(`${String(violations.length).padStart(8)} violations (--seed ${values.seed})`)
for (const violation of violations.slice(0, 10)) console.log(violation)
if (violations.length > 0 || report.orphans > 0) process.exitCode = 1
