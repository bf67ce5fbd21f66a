/** Connections that nobody shares, opened at need, kept for a minute, at most so many at a time. */
import { Effect, Exit, Pool, Scope } from "effect"
import { type CacheError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { DedicatedClient, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { makeCommands } from "./commands.ts"
import { Connection } from "./Connection.ts"

interface Dedicated extends DedicatedClient {
  /** Whether somebody else may have the connection after this. */
  readonly isClean: () => boolean
}

/** What they begin is the connection's state, which nobody else may find there. */
const stateful: ReadonlySet<string> = new Set(["MULTI", "WATCH", "CLIENT", "READONLY", "READWRITE", "ASKING"])

/** Kept open so long after their last use. */
const idleTime = "1 minute"

export const makeDedicated = Effect.fnUntraced(function* (
  settings: ConnectionSettings,
  random: () => number
): Effect.fn.Return<ValkeyClientShape["dedicated"], never, Scope.Scope> {
  const connections = new Set<Connection>()
  // A blocking command is silent for as long as it likes; TCP keep-alive notices a peer that is gone. What is still
  // under way when the connection is given up has nobody who waits for it.
  const connectionSettings = { ...settings, socketTimeout: maxTimer, closeTimeout: 0 }

  const open = Effect.acquireRelease(
    Effect.callback<Connection, CacheError>((resume) => {
      const connection = new Connection(connectionSettings, random)
      connections.add(connection)
      connection.link.whenReady({
        operation: "dedicated",
        ready: () => resume(Exit.succeed(connection)),
        fail: (error) => resume(Effect.andThen(close(connection), Effect.fail(error)))
      })
      return close(connection)
    }),
    (connection) => close(connection)
  )
  const close = (connection: Connection) =>
    Effect.promise(() => connection.close().finally(() => connections.delete(connection)))

  const makePool = Effect.tap(
    Pool.makeWithTTL({
      acquire: Effect.map(open, (connection) => clientOf(connection, settings)),
      min: 0,
      max: settings.maxConnections,
      concurrency: 1,
      timeToLive: idleTime
    }),
    // Before the pool shuts down: it waits for reservations, which end when their connection does.
    () => Effect.addFinalizer(() => Effect.forEach(connections, close, { discard: true, concurrency: "unbounded" }))
  )
  // Whoever never asks has no pool, and no fiber that minds it.
  const pool = yield* Effect.cached(Scope.provide(makePool, yield* Effect.scope))

  const tooLate = new CacheTimeoutError({
    operation: "dedicated",
    phase: "queue",
    timeout: settings.poolTimeout,
    node: undefined,
    mayHaveExecuted: false
  })
  return Effect.flatMap(pool, (pool) =>
    Pool.get(pool).pipe(
      Effect.timeoutOrElse({ duration: settings.poolTimeout, orElse: () => Effect.fail(tooLate) }),
      Effect.tap((dedicated) =>
        Effect.addFinalizer(() => (dedicated.isClean() ? Effect.void : Pool.invalidate(pool, dedicated)))
      )
    )
  )
})

const maxTimer = 2 ** 31 - 1

const clientOf = (connection: Connection, settings: ConnectionSettings): Dedicated => {
  const { pipeline, send } = makeCommands(connection, { ...settings, kind: "dedicated" })
  let active = 0
  let healthy = true
  /** A command that did not end well may still be under way on the server. */
  const watched = <A>(names: ReadonlyArray<string>, effect: Effect.Effect<A, CacheError>) =>
    Effect.suspend(() => {
      active++
      if (names.some((name) => stateful.has(name.toUpperCase()))) healthy = false
      return Effect.onExit(effect, (exit) => {
        active--
        if (Exit.isFailure(exit)) healthy = false
        return Effect.void
      })
    })
  return {
    isClean: () => healthy && active === 0,
    send: (name, args, options) => watched([name], send(name, args, options)),
    pipeline: (commands) =>
      watched(
        commands.map(({ name }) => name),
        pipeline(commands)
      )
  }
}
