/** What takes long to start, and serves all tests of a file: started at the first need, ended after the last test. */
import { afterAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"

export const sharedInFile = <A>(start: Effect.Effect<A, never, Scope.Scope>): Effect.Effect<A> => {
  const scope = Scope.makeUnsafe()
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return Effect.runSync(Effect.cached(Scope.provide(start, scope)))
}
