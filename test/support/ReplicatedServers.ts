/** A primary and two replicas. */
import { Effect, type Scope } from "effect"
import { startServer, type ValkeyServer } from "./ValkeyServer.ts"

export const startReplicatedServers = (
  ...args: ReadonlyArray<string>
): Effect.Effect<readonly [primary: ValkeyServer, replica: ValkeyServer, other: ValkeyServer], never, Scope.Scope> =>
  Effect.gen(function* () {
    const primary = yield* startServer(...args)
    const [replica, other] = yield* Effect.all(
      [
        startServer(...args, "--replicaof", `127.0.0.1 ${primary.port}`),
        startServer(...args, "--replicaof", `127.0.0.1 ${primary.port}`)
      ],
      { concurrency: 2 }
    )
    yield* primary.replicated(2)
    return [primary, replica, other] as const
  })
