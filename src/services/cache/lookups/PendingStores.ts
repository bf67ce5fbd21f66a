/** Stores of looked-up values that nobody waits for. */
import { Effect, type Exit, Fiber, type Scope } from "effect"
import type { Ticket } from "./FlightTable.ts"

/** With as many under way, whoever has looked a value up waits for its store. */
const most = 1024

export class PendingStores {
  #pending = 0

  /** Ends when the store is written, which lives in `scope`. The inner effect ends when the store does. */
  begin<R>(store: Effect.Effect<void, never, R>, scope: Scope.Scope): Effect.Effect<Effect.Effect<void>, never, R> {
    return Effect.suspend(() => {
      // Nothing starts in a scope that is closed.
      if (this.#pending >= most || scope.state._tag === "Closed") return Effect.as(store, Effect.void)
      // Counted by its own fiber: whoever began it may be interrupted before there is one.
      const counted = Effect.suspend(() => {
        this.#pending++
        return Effect.ensuring(
          store,
          Effect.sync(() => this.#pending--)
        )
      })
      // At once, so that it is written now, or done where the store needs no server.
      return Effect.map(Effect.forkIn(counted, scope, { startImmediately: true }), (fiber) =>
        Effect.asVoid(Fiber.await(fiber))
      )
    })
  }

  /**
   * What the lookup ended with for those who wait as soon as the store is written: it keeps its place before whatever they do
   * next. The effect ends when the store does.
   */
  answerThenStore<A, E, R>(
    ticket: Ticket,
    exit: Exit.Exit<A, E>,
    store: Effect.Effect<void, never, R>,
    scope: Scope.Scope
  ): Effect.Effect<A, E, R> {
    return Effect.flatMap(this.begin(store, scope), (stored) => {
      ticket.answer(exit)
      return Effect.andThen(stored, exit)
    })
  }
}
