/** A lookup, and the storing of what it gives. */
import { Effect, Exit, Option } from "effect"
import type { CacheError } from "../../../schema/CacheError.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { CacheContext } from "../kernel/context.ts"
import { count, metrics } from "../kernel/metrics.ts"
import * as replies from "../kernel/replies.ts"
import { setArguments, timingFor } from "../kernel/setCommand.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import type { Ticket } from "./FlightTable.ts"

/** Stores what was looked up; false where it is not to be stored. */
export type Keep = (encoded: Stored, lifetime: number) => Effect.Effect<boolean, CacheError>

export const keepNothing: Keep = () => Exit.succeed(false)

/** Unless the key has changed since the lookup began. */
export const keepCurrent =
  <A, RD, RE>({ client }: CacheContext<A, RD, RE>, { final, operation }: EntryName, ticket: Ticket): Keep =>
  (encoded, lifetime) => {
    if (ticket.outdated) return Exit.succeed(false)
    const options = { resendIf: () => !ticket.outdated }
    const store =
      lifetime === 0
        ? Effect.as(client.send("UNLINK", [final], options), true)
        : client.request("SET", setArguments(final, encoded, lifetime), replies.done(operation), options)
    return Effect.catch(store, (error) => (ticket.outdated ? Exit.succeed(false) : Exit.fail(error)))
  }

/** The lookup's value. What happens to it then is nobody's failure. */
export const lookupAndStore = <A, E, R, RD, RE>(
  context: CacheContext<A, RD, RE>,
  entry: EntryName,
  plan: LookupPlan<A>,
  lookup: Effect.Effect<A, E, R>,
  keep: Keep
): Effect.Effect<A, E, R | RE> =>
  Effect.flatMap(timedLookup(lookup), ([value, cost]) => {
    const store = Effect.flatMap(encodeTimed(context, entry, plan, value, cost), ([encoded, lifetime]) =>
      keep(encoded, lifetime)
    )
    const stored = context.guard(
      {
        name: `${entry.operation}.store`,
        key: entry.key,
        neutral: Option.some(false),
        tally: (done) => ({ stores: Number(done) })
      },
      store
    )
    return Effect.matchEffect(stored, {
      onSuccess: (done) => (done ? Effect.succeed(value) : Effect.as(count(metrics.discarded), value)),
      onFailure: (error) => Effect.as(storeFailed(error), value)
    })
  })

export const storeFailed = (error: CacheError): Effect.Effect<void> =>
  Effect.andThen(
    count(metrics.storeFailures),
    Effect.logDebug("getOrSet: the value could not be stored", error.message)
  )

/** The result, and what it took in milliseconds. */
export const timedLookup = <A, E, R>(lookup: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.clockWith((clock) => {
    const started = clock.currentTimeMillisUnsafe()
    return Effect.andThen(
      count(metrics.lookups),
      Effect.map(
        Effect.tapError(lookup, () => count(metrics.lookupFailures)),
        (value) => [value, clock.currentTimeMillisUnsafe() - started] as const
      )
    )
  })

/** What is stored of a value, and for how long the server keeps it. */
export const encodeTimed = <A, RD, RE>(
  { codec }: CacheContext<A, RD, RE>,
  entry: EntryName,
  plan: LookupPlan<A>,
  value: A,
  cost: number
): Effect.Effect<readonly [Stored, number], CacheError, RE> =>
  Effect.flatMap(plan.timeToLive(value), (timeToLive) =>
    Effect.flatMap(plan.timed ? timingFor(timeToLive, cost) : Exit.succeed(undefined), (timing) => {
      const lifetime = timing === undefined ? timeToLive : timeToLive + plan.staleFor
      return Effect.map(codec.encode(entry, value, timing), (encoded) => [encoded, lifetime] as const)
    })
  )
