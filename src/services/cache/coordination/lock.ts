/** The operations of a lock. */
import { Effect, Exit, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import type { CacheLock, HeldLock, LockOptions } from "../../operations/CacheLock.ts"
import { coordinationKeys } from "./coordinationKeys.ts"
import type { CacheContext } from "../kernel/context.ts"
import type { Coordination } from "./Coordination.ts"
import { heldLease, type Lease } from "./Lease.ts"
import { holdScoped, holdWhile, resumeScoped } from "./leasing.ts"
import {
  acquireArguments,
  acquireScript,
  extendScript,
  forceReleaseScript,
  isLockedScript,
  releaseScript,
  resumeScript
} from "./lockScripts.ts"
import * as replies from "../kernel/replies.ts"
import type { Attempt, Leasable } from "./Leasable.ts"
import { type LeaseTerms, termsOf } from "./LeaseTerms.ts"

/** How often a waiter asks without being woken, in milliseconds. */
const askEvery = 1000

export const makeLock = <A, RD, RE>(
  context: CacheContext<A, RD, RE>,
  shared: Coordination,
  key: string,
  options: LockOptions = {}
): CacheLock => {
  const { client, finalKey, guard } = context

  /** An operation without a neutral result: that a lock was acquired or released cannot be pretended. */
  const run = <B>(name: string, effect: Effect.Effect<B, CommandError>) =>
    guard({ name, key, neutral: Option.none() }, effect)

  /** The lock and its last fence on the server. */
  const keysFor = (operation: string) =>
    Effect.flatMapEager(finalKey(operation, key, options), (final) =>
      Effect.map(coordinationKeys(operation, final), (keyOf): LockKeys => [keyOf("lock"), keyOf("fence")])
    )

  const withLeasable = <B, E, R>(
    operation: string,
    use: (leasable: Leasable<bigint>, terms: LeaseTerms, keys: LockKeys) => Effect.Effect<B, E, R>
  ) =>
    Effect.suspend(() =>
      Effect.flatMapEager(keysFor(operation), (keys) =>
        Effect.flatMapEager(termsOf(operation, options), (terms) => use(leasableOf(keys), terms, keys))
      )
    )

  const leasableOf = (keys: LockKeys): Leasable<bigint> => {
    const [lock] = keys
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
            client.eval(acquireScript, keys, acquireArguments(token, lease, waits)),
            (reply): Exit.Exit<Attempt<bigint>, CommandError> => {
              const fence = fenceIn(reply)
              if (fence !== undefined) return Exit.succeed({ _tag: "Granted", grant: fence })
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
          Effect.flatMap(client.eval(releaseScript, keys, [token, channel]), replies.flag("lock.release"))
        )
    }
  }

  return {
    acquire: withLeasable("lock.acquire", (leasable, terms) =>
      Effect.map(holdScoped(shared, leasable, terms), heldLock)
    ),
    withLock: (effect) =>
      withLeasable("lock.acquire", (leasable, terms) =>
        holdWhile(shared, leasable, terms, (lease) => (Effect.isEffect(effect) ? effect : effect(heldLock(lease))))
      ),
    restore: (token) =>
      withLeasable("lock.restore", (leasable, terms, keys) => {
        if (typeof token !== "string" || token === "")
          return refused("lock.restore", "the token must be text, and not empty")
        const lease = terms.lease === Infinity ? "" : terms.lease
        const resumed = run(
          "lock.restore",
          Effect.flatMap(client.eval(resumeScript, keys, [token, lease]), (reply) => {
            const fence = fenceIn(reply)
            return reply === null || fence !== undefined ? Exit.succeed(fence) : replies.unexpected("lock.restore")
          })
        )
        return Effect.map(resumeScoped(shared, leasable, terms, token, resumed), heldLock)
      }),
    forceRelease: run(
      "lock.forceRelease",
      Effect.flatMap(keysFor("lock.forceRelease"), (keys) =>
        Effect.flatMap(
          client.eval(forceReleaseScript, keys, [context.channel(options)]),
          replies.flag("lock.forceRelease")
        )
      )
    ),
    isLocked: run(
      "lock.isLocked",
      Effect.flatMap(keysFor("lock.isLocked"), ([lock]) =>
        Effect.flatMap(client.eval(isLockedScript, [lock], []), replies.flag("lock.isLocked"))
      )
    )
  }
}

type LockKeys = readonly [lock: string, fence: string]

const fenceIn = (reply: Reply): bigint | undefined =>
  typeof reply === "string" && /^\d+$/.test(reply) ? BigInt(reply) : undefined

const heldLock = (lease: Lease<bigint>): HeldLock => ({
  ...heldLease(lease),
  fence: lease.grant,
  handOver: lease.handOver
})
