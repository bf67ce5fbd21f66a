/** The operations of a lock. */
import { Effect, Exit, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { CacheLock, HeldLock, LockOptions } from "../../operations/CacheLock.ts"
import { coordinationKeys } from "./coordinationKeys.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Coordination } from "./Coordination.ts"
import { heldLease, type Lease } from "./Lease.ts"
import { holdScoped, holdWhile } from "./leasing.ts"
import { acquireScript, extendScript, isLockedScript, releaseScript } from "./lockScripts.ts"
import * as replies from "../kernel/replies.ts"
import type { Attempt, Leasable } from "./Leasable.ts"
import { type LeaseTerms, termsOf } from "./LeaseTerms.ts"

/** Who waits asks once a second though nobody says that it is free. */
const askEvery = 1000

export const makeLock = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  shared: Coordination,
  key: string,
  options: LockOptions = {}
): CacheLock => {
  const { client, finalKey, guard } = context

  /** "As if the cache were empty" would be a lie. */
  const run = <B>(name: string, effect: Effect.Effect<B, CommandError>) =>
    guard({ name, key, neutral: Option.none() }, effect)

  const withLeasable = <B, E, R>(use: (leasable: Leasable<bigint>, terms: LeaseTerms) => Effect.Effect<B, E, R>) =>
    Effect.suspend(() =>
      Effect.flatMapEager(finalKey("lock.acquire", key, options), (final) =>
        Effect.flatMapEager(coordinationKeys("lock.acquire", final), (keyOf) =>
          Effect.flatMapEager(termsOf("lock.acquire", options), (terms) =>
            use(leasableOf(keyOf("lock"), keyOf("fence")), terms)
          )
        )
      )
    )

  const leasableOf = (lock: string, fence: string): Leasable<bigint> => {
    const keys = [lock, fence]
    const channel = context.channel(options)
    return {
      key,
      place: lock,
      channel,
      wakeName: () => lock,
      queues: false,
      askEvery,
      attempt: (token, lease, waits) =>
        run(
          "lock.acquire",
          Effect.flatMap(
            client.eval(acquireScript, keys, [token, lease, waits ? "1" : ""]),
            (reply): Exit.Exit<Attempt<bigint>, CommandError> => {
              if (typeof reply === "string" && /^\d+$/.test(reply)) {
                return Exit.succeed({ _tag: "Granted", grant: BigInt(reply) })
              }
              if (typeof reply !== "number") return replies.unexpected("lock.acquire")
              return Exit.succeed({ _tag: "Busy", retryIn: reply < 0 ? Infinity : reply + 1 })
            }
          )
        ),
      extend: (token, least, more) =>
        run(
          "lock.extend",
          Effect.flatMap(client.eval(extendScript, [lock], [token, least ?? "", more]), replies.flag("lock.extend"))
        ),
      release: (token) =>
        run(
          "lock.release",
          Effect.flatMap(client.eval(releaseScript, keys, [token, channel, lock]), replies.flag("lock.release"))
        )
    }
  }

  return {
    acquire: withLeasable((leasable, terms) => Effect.map(holdScoped(shared, leasable, terms), heldLock)),
    withLock: (effect) =>
      withLeasable((leasable, terms) =>
        holdWhile(shared, leasable, terms, (lease) => (Effect.isEffect(effect) ? effect : effect(heldLock(lease))))
      ),
    isLocked: run(
      "lock.isLocked",
      Effect.flatMap(finalKey("lock.isLocked", key, options), (final) =>
        Effect.flatMap(coordinationKeys("lock.isLocked", final), (keyOf) =>
          Effect.flatMap(client.eval(isLockedScript, [keyOf("lock")], []), replies.flag("lock.isLocked"))
        )
      )
    )
  }
}

const heldLock = (lease: Lease<bigint>): HeldLock => ({ ...heldLease(lease), fence: lease.grant })
