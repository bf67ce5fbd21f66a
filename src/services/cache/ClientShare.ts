/** What the caches over one client share in this process, so that it does not matter over how many of them its keys are spread. */
import { Effect, Exit, Scope } from "effect"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import type { SharedCoordination } from "./coordination/Coordination.ts"
import { KeyedMutex } from "./coordination/KeyedMutex.ts"
import { makeWakeUps } from "./coordination/WakeUps.ts"
import { Flights } from "./lookups/Flights.ts"

export interface ClientShare extends SharedCoordination {
  readonly allFlights: Flights
  /** Updates of one key take turns. */
  readonly updateTurns: KeyedMutex
}

interface Entry {
  readonly share: ClientShare
  readonly scope: Scope.Closeable
  caches: number
}

const entries = new WeakMap<ValkeyClientShape, Entry>()

const makeEntry = (client: ValkeyClientShape): Effect.Effect<Entry> =>
  Effect.flatMap(Scope.make(), (scope) =>
    Effect.map(Scope.provide(makeWakeUps(client), scope), (wakeUps) => ({
      share: { allFlights: new Flights(), updateTurns: new KeyedMutex(), localMutex: new KeyedMutex(), wakeUps },
      scope,
      caches: 0
    }))
  )

/** The share of a cache, which ends with the last cache over the client. */
export const clientShare = (client: ValkeyClientShape): Effect.Effect<ClientShare, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.map(makeEntry(client), (made) => {
        // Two layers may be built at once: the first entry that is there is everybody's.
        const entry = entries.get(client) ?? made
        entries.set(client, entry)
        entry.caches++
        return entry
      }),
      (entry) =>
        Effect.suspend(() => {
          if (--entry.caches > 0) return Effect.void
          entries.delete(client)
          return Scope.close(entry.scope, Exit.void)
        })
    ),
    ({ share }) => share
  )
