/** Scopes of exchanges that nobody else has given one. */
import { Effect, Option, Scope } from "effect"

/** Without a scope around it a response is left to its reader, and to the garbage collector. */
export const withScope = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.serviceOption(Scope.Scope), (given) =>
    Effect.flatMap(Option.isSome(given) ? Effect.succeed(given.value) : Scope.make(), (scope) =>
      Effect.provideService(effect, Scope.Scope, scope)
    )
  )
