/**
 * Servers to develop with, from a local Valkey and without Docker, until interrupted.
 *
 *   npm run dev:sentinel
 *   npm run dev:cluster
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { startCluster } from "../test/support/ClusterFleet.ts"
import { startSentinelFleet } from "../test/support/SentinelFleet.ts"

const start =
  process.argv[2] === "cluster" ? startCluster({ downAfter: 3000 }) : startSentinelFleet({ downAfter: 3000 })

const program = Effect.scoped(
  Effect.gen(function* () {
    const { url } = yield* start
    yield* Console.log(`VALKEY_URL=${url}\n\nInterrupt to stop the servers.`)
    return yield* Effect.never
  })
)

NodeRuntime.runMain(program)
