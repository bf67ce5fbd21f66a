/** Connections that nobody shares, opened at need, kept for a minute, at most so many at a time. */
import { Effect, Exit, Pool, Scope } from "effect"
import { CacheConnectionError, type CommandError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { Arg, Reply } from "../../schema/Command.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { closedError } from "../../schema/failures.ts"
import type { DedicatedClient, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { ClientInvalidations } from "../invalidations/ClientInvalidations.ts"
import type { ConnectionState, Wiring } from "./client.ts"
import { rowOf } from "../commands/commandTable.ts"
import { makeCommands } from "./commands.ts"
import { Dispatcher } from "./Dispatcher.ts"
import { whenReady } from "./Link.ts"

interface Dedicated extends DedicatedClient {
  /** Whether somebody else may have the connection after this. */
  readonly isClean: () => boolean
}

/** What was begun on a connection is over with it: an EXEC without its WATCH must not run on the next. */
class OwnState implements ConnectionState {
  isHeld = false
  isGone = false
  losses = 0
  readonly isBusy = (): boolean => this.isHeld
  readonly onLost = (): void => {
    this.losses++
    if (this.isHeld) this.isGone = true
  }
}

const stateLost = (operation: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "lost", code: undefined, mayHaveExecuted: false })

/** A server that says nothing for so many milliseconds may have been frozen, and may have been replaced meanwhile. */
const silence = 500

/** The connections that nobody shares. */
export interface DedicatedConnections {
  readonly dedicated: ValkeyClientShape["dedicated"]
  /** How many somebody has, and how many are kept for the next. */
  readonly used: () => number
  readonly idle: () => number
}

/** Kept open so long after their last use. */
const idleTime = "1 minute"

export const makeDedicated = Effect.fnUntraced(function* (
  settings: ConnectionSettings,
  openRoute: Wiring["openRoute"],
  spread: Wiring["spread"],
  changes: ClientInvalidations
): Effect.fn.Return<DedicatedConnections, never, Scope.Scope> {
  const open = new Set<Dispatcher>()
  let isClosed = false
  let used = 0
  const use = Effect.acquireRelease(
    Effect.sync(() => used++),
    () => Effect.sync(() => used--)
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => (isClosed = true)))
  // A blocking command is silent for as long as it likes; TCP keep-alive notices a peer that is gone. What is still
  // under way when the connection is given up has nobody who waits for it.
  const ownSettings = { ...settings, socketTimeout: Infinity, closeTimeout: 0 }

  const acquire = Effect.acquireRelease(
    Effect.suspend(() => {
      const state = new OwnState()
      const dispatcher = new Dispatcher(ownSettings, (dispatcher) => openRoute(dispatcher, ownSettings, state))
      open.add(dispatcher)
      const connection = { dispatcher, state }
      const { link } = dispatcher.route
      if (link === undefined) return Effect.succeed(connection)
      return Effect.onExit(Effect.as(whenReady(link, "dedicated"), connection), (exit) =>
        Exit.isSuccess(exit) ? Effect.void : close(dispatcher)
      )
    }),
    ({ dispatcher }) => close(dispatcher),
    { interruptible: true }
  )
  const close = (dispatcher: Dispatcher) =>
    Effect.promise(() => dispatcher.close().finally(() => open.delete(dispatcher)))

  const makePool = Effect.tap(
    Pool.makeWithTTL({
      acquire: Effect.map(acquire, ({ dispatcher, state }) => clientOf(dispatcher, state, settings, spread, changes)),
      min: 0,
      max: settings.maxConnections,
      concurrency: 1,
      timeToLive: idleTime
    }),
    // Before the pool shuts down: it waits for reservations, which end when their connection does.
    () =>
      Effect.addFinalizer(() => {
        isClosed = true
        return Effect.forEach(open, close, { discard: true, concurrency: "unbounded" })
      })
  )
  // Whoever never asks has no pool, and no fiber that minds it.
  const pool = yield* Effect.cached(Scope.provide(makePool, yield* Effect.scope))

  const tooLate = new CacheTimeoutError({
    operation: "dedicated",
    phase: "queue",
    timeout: settings.poolTimeout,
    mayHaveExecuted: false
  })
  const dedicated: ValkeyClientShape["dedicated"] = Effect.flatMap(pool, (pool) =>
    Pool.get(pool).pipe(
      // A pool that is shut down interrupts those who ask.
      Effect.catchCauseIf(
        () => isClosed,
        () => Exit.fail(closedError("dedicated"))
      ),
      Effect.timeoutOrElse({ duration: settings.poolTimeout, orElse: () => Effect.fail(tooLate) }),
      Effect.tap((dedicated) =>
        Effect.addFinalizer(() => (dedicated.isClean() ? Effect.void : Pool.invalidate(pool, dedicated)))
      ),
      Effect.tap(use)
    )
  )
  return { dedicated, used: () => used, idle: () => Math.max(0, open.size - used) }
})

const clientOf = (
  dispatcher: Dispatcher,
  state: OwnState,
  settings: ConnectionSettings,
  spread: Wiring["spread"],
  changes: ClientInvalidations
): Dedicated => {
  let active = 0
  let healthy = true
  const { pipeline, send } = makeCommands(dispatcher, {
    ...settings,
    kind: "dedicated",
    spread,
    changes,
    // What it begins is the connection's state, which nobody else may find there.
    onSend: ({ leaves }) => {
      if (leaves !== "state" && leaves !== "pins") return
      healthy = false
      state.isHeld = true
    }
  })
  let heardAt = performance.now()
  /** What is read after a silence counts where nobody says that the server has been replaced meanwhile. */
  const confirmed = (name: string, args: ReadonlyArray<Arg>, read: Effect.Effect<Reply, CommandError>) => {
    const { confirm } = dispatcher.route
    if (confirm === undefined || !rowOf(name, args).reads) return read
    return Effect.flatMap(read, (reply) => {
      const silentFor = performance.now() - heardAt
      heardAt = performance.now()
      if (silentFor < silence) return Exit.succeed(reply)
      const { losses } = state
      return Effect.tryPromise(() => confirm()).pipe(
        Effect.timeout(settings.commandTimeout),
        Effect.ignore,
        Effect.andThen(
          Effect.suspend(() => (state.losses === losses ? Exit.succeed(reply) : Exit.fail(stateLost(name))))
        )
      )
    })
  }
  /** A command that did not end well may still be under way on the server. */
  const watched = <A>(name: string, effect: Effect.Effect<A, CommandError>) =>
    Effect.suspend(() => {
      if (state.isGone) return Exit.fail(stateLost(name))
      active++
      return Effect.onExit(effect, (exit) => {
        active--
        if (Exit.isFailure(exit)) healthy = false
        return Effect.void
      })
    })
  return {
    isClean: () => healthy && active === 0,
    send: (name, args, options) => watched(name, confirmed(name, args, send(name, args, options))),
    pipeline: (commands) => watched("pipeline", pipeline(commands))
  }
}
