/** What all locks and semaphores of one cache share. */
import { Effect, type Scope } from "effect"
import { makeToken } from "../kernel/token.ts"
import type { KeyedMutex } from "./KeyedMutex.ts"
import { Renewals } from "./Renewals.ts"
import type { WakeUps } from "./WakeUps.ts"

/** What the caches over one client share of it. */
export interface SharedCoordination {
  /** Of the callers in this process that wait for one lock, only the first asks the server. */
  readonly localMutex: KeyedMutex
  readonly wakeUps: WakeUps
}

export interface Coordination extends SharedCoordination {
  /** The scope of work that no caller waits for. */
  readonly scope: Scope.Scope
  /** Makes tokens that no other process makes. */
  readonly newToken: () => string
  readonly renewals: Renewals
}

export const makeCoordination = ({
  localMutex,
  wakeUps
}: SharedCoordination): Effect.Effect<Coordination, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const own = yield* makeToken
    const renewals = new Renewals(scope)
    yield* Effect.addFinalizer(() => Effect.sync(() => renewals.close()))
    let tokens = 0
    return { scope, newToken: () => `${own}.${++tokens}`, renewals, localMutex, wakeUps }
  })
