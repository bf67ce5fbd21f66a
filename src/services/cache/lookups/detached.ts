/** Work in the background, which outlives the caller in whose context it began. */
import { Context, Effect } from "effect"

const transactionKeys = "effect/sql/SqlClient/TransactionConnection/"
const currentTransaction = "effect/sql/CurrentTransactionService"

/** A transaction of the caller has ended by then, and another caller may have its connection. */
const withoutTransaction = (context: Context.Context<never>): Context.Context<never> => {
  const { mapUnsafe } = context
  if (!mapUnsafe.has(currentTransaction)) return context
  const own: unknown = mapUnsafe.get(currentTransaction)
  const ownKey = typeof own === "object" && own !== null && "key" in own ? own.key : undefined
  return Context.makeUnsafe(
    new Map(
      [...mapUnsafe].filter(([key]) => key !== currentTransaction && key !== ownKey && !key.startsWith(transactionKeys))
    )
  )
}

/** The effect outside of the caller's transaction with an `SqlClient`. */
export const detached = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const context = withoutTransaction(fiber.context)
    // What is left has all that the effect needs: a transaction is nobody's requirement.
    return context === fiber.context ? effect : Effect.updateContext(effect, () => context as Context.Context<R>)
  })
