/** The operations of a semaphore. */
import { Effect, Exit, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import type { CacheSemaphore, SemaphoreOptions } from "../../operations/CacheSemaphore.ts"
import { coordinationKeys } from "./coordinationKeys.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Coordination } from "./Coordination.ts"
import { heldLease } from "./Lease.ts"
import { holdScoped, holdWhile } from "./leasing.ts"
import { wholeNumber } from "../kernel/wholeNumber.ts"
import * as replies from "../kernel/replies.ts"
import type { Attempt, Leasable } from "./Leasable.ts"
import { termsOf } from "./LeaseTerms.ts"
import {
  acquirePermitsScript,
  availableScript,
  endless,
  extendPermitsScript,
  releasePermitsScript
} from "./semaphoreScripts.ts"

/** A waiter that was not heard of for this many milliseconds counts as dead: as long as a lease, within limits. */
const patienceFor = (lease: number): number => Math.max(1000, Math.min(15_000, lease))

export const makeSemaphore = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  shared: Coordination,
  key: string,
  options: SemaphoreOptions
): CacheSemaphore => {
  const { client, finalKey, guard } = context
  const { permits } = options

  /** An operation without a neutral result: that permits were acquired or released cannot be pretended. */
  const run = <B>(name: string, effect: Effect.Effect<B, CommandError>) =>
    guard({ name, key, neutral: Option.none() }, effect)

  const keysOf = (operation: string) =>
    Effect.gen(function* () {
      yield* wholeNumber(operation, "permits", permits, 1)
      const final = yield* finalKey(operation, key, options)
      const keyOf = yield* coordinationKeys(operation, final)
      return [keyOf("holders"), keyOf("row"), keyOf("facts")] as const
    })

  const leasableAndTerms = (operation: string, count: number) =>
    Effect.gen(function* () {
      const keys = yield* keysOf(operation)
      yield* wholeNumber(operation, "count", count, 1)
      if (count > permits) return yield* refused(operation, "count must not exceed permits")
      const terms = yield* termsOf(operation, options)
      return [leasableOf(keys, count, patienceFor(terms.lease)), terms] as const
    })

  const leasableOf = (
    keys: readonly [string, ...ReadonlyArray<string>],
    count: number,
    patience: number
  ): Leasable<void> => {
    const channel = context.channel(options)
    const memberOf = (token: string) => `${token}:${count}`
    return {
      key,
      place: keys[0],
      channel,
      wakeName: memberOf,
      queues: true,
      askEvery: patience / 3,
      attempt: (token, lease, waits) =>
        run(
          "semaphore.acquire",
          Effect.flatMap(
            client.eval(acquirePermitsScript, keys, [permits, channel, memberOf(token), lease, waits ? patience : 0]),
            (reply): Exit.Exit<Attempt<void>, CommandError> => {
              if (typeof reply !== "number") return replies.unexpected("semaphore.acquire")
              return Exit.succeed(
                reply < 0 ? { _tag: "Granted", grant: undefined } : { _tag: "Busy", retryIn: reply + 1 }
              )
            }
          )
        ),
      extend: (token, least = endless, more) =>
        run(
          "semaphore.extend",
          Effect.flatMap(
            client.eval(extendPermitsScript, keys, [permits, channel, memberOf(token), least, more]),
            replies.flag("semaphore.extend")
          )
        ),
      release: (token) =>
        run(
          "semaphore.release",
          Effect.flatMap(
            client.eval(releasePermitsScript, keys, [permits, channel, memberOf(token)]),
            replies.flag("semaphore.release")
          )
        )
    }
  }

  return {
    acquire: (count) =>
      Effect.flatMap(leasableAndTerms("semaphore.acquire", count), ([leasable, terms]) =>
        Effect.map(holdScoped(shared, leasable, terms), heldLease)
      ),
    withPermits: (count) => (effect) =>
      Effect.flatMap(leasableAndTerms("semaphore.acquire", count), ([leasable, terms]) =>
        holdWhile(shared, leasable, terms, () => effect)
      ),
    available: run(
      "semaphore.available",
      Effect.flatMap(keysOf("semaphore.available"), (keys) =>
        Effect.flatMap(
          client.eval(availableScript, keys, [permits, context.channel(options)]),
          replies.integer("semaphore.available")
        )
      )
    )
  }
}
