/** What all locks and semaphores of one cache share. */
import { Effect, Scope } from "effect"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { makeToken } from "../kernel/token.ts"
import { KeyedMutex } from "./KeyedMutex.ts"
import { Renewals } from "./Renewals.ts"
import { makeWakeUps, type WakeUps } from "./WakeUps.ts"

export interface Coordination {
  /** Where work goes on that nobody waits for. */
  readonly scope: Scope.Scope
  /** Names for what is held, which nobody else has. */
  readonly newToken: () => string
  readonly renewals: Renewals
  /** Of those who wait for one lock here only the first asks the server. */
  readonly localMutex: KeyedMutex
  readonly wakeUps: WakeUps
}

export const makeCoordination = (client: ValkeyClientShape): Effect.Effect<Coordination, never, Scope.Scope> =>
  Effect.map(Effect.all([Effect.scope, makeWakeUps(client), makeToken]), ([scope, wakeUps, own]) => {
    let tokens = 0
    return {
      scope,
      newToken: () => `${own}.${++tokens}`,
      renewals: new Renewals(scope),
      localMutex: new KeyedMutex(),
      wakeUps
    }
  })
