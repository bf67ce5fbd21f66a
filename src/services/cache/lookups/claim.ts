/** Single flight among processes: who looks a key up says so in the key itself, so that whatever happens to the key happens to the claim. */
import { Clock, Effect, Exit, Fiber, Option, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { bareClaim, type Claim, claimed, readHeader, type Stored } from "../../../schema/frame.ts"
import type { LookupResult } from "../../operations/CacheLookups.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import type { Found } from "../kernel/entry.ts"
import { makeToken } from "../kernel/token.ts"
import { type Lifetime, overSeen, perform } from "../kernel/overSeen.ts"
import type { Keep } from "./keep.ts"

/** A claim outlives the process that made it by this much at most, in milliseconds; it is renewed three times in it. */
const claimMillis = 10_000
const renewEvery = 3000

/** Others wait this long for a value before they look it up themselves, without storing it. */
const maxWait = 30_000

const pause = { first: 5, most: 200 }

export interface ClaimTarget<A, E, R> {
  readonly client: ValkeyClientShape
  readonly final: string
  readonly scope: Scope.Scope
  /** The policy that the acquisition passes. */
  readonly guard: (
    acquire: Effect.Effect<Acquired<A, E>, CommandError, R>
  ) => Effect.Effect<Acquired<A, E>, CommandError, R>
  readonly read: Effect.Effect<Found<A> | undefined, CommandError, R>
  /** What callers are given where it needs no lookup now. */
  readonly usable: (found: Found<A>, now: number) => Effect.Effect<Option.Option<Exit.Exit<LookupResult<A>, E>>>
  /** Whether others are served the value, where there is one, while it is looked up. */
  readonly serves: (found: Found<A>, now: number) => boolean
}

/** What a lookup is given with its claim: the right to store what it gives. */
export type HeldClaim = Keep

/**
 * Runs `work` with a claim on the key, or gives the value that another process has stored meanwhile. Without one,
 * because the server cannot be asked or the other takes too long, `work` runs all the same.
 */
export const withClaim = <A, E, R, RD>(
  target: ClaimTarget<A, E, RD>,
  seen: Found<A> | undefined,
  work: (claim: HeldClaim | undefined) => Effect.Effect<LookupResult<A>, E, R>
): Effect.Effect<LookupResult<A>, E, R | RD> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const asked: Asked = { claim: undefined }
      const acquired = Effect.onExit(restore(target.guard(acquire(target, seen, asked))), (exit) =>
        // What became of a claim that was sent is not known: its caller has left, or the server did not answer.
        Exit.isSuccess(exit) && exit.value._tag === "Claimed" ? Effect.void : giveBack(target, asked)
      )
      return Effect.flatMap(
        Effect.catch(acquired, () => Exit.succeed<Acquired<A, E>>({ _tag: "Unclaimed" })),
        (acquired) => {
          switch (acquired._tag) {
            case "Value":
              return acquired.result
            case "Unclaimed":
              return restore(work(undefined))
            case "Claimed":
              return whileClaimed(target, acquired.own, work, restore)
          }
        }
      )
    })
  )

/** The claim whose reply is due. */
interface Asked {
  claim: OwnClaim | undefined
}

/** In the background, as an unlocked lock: it must not stay on the key and keep others from looking it up. */
const giveBack = <A, E, R>(target: ClaimTarget<A, E, R>, { claim }: Asked): Effect.Effect<unknown> =>
  claim === undefined
    ? Effect.void
    : Effect.forkIn(Effect.ignore(unclaim(target, claim)), target.scope, { startImmediately: true })

/** What stood there before the claim, where the claim still stands. */
const unclaim = <A, E, R>(target: ClaimTarget<A, E, R>, own: OwnClaim): Effect.Effect<unknown, CommandError> =>
  own.value === undefined ? replaceClaim(target, own, "", 0) : replaceClaim(target, own, own.value.stored, "keep")

/** A claim differs from all others in its header. */
const replaceClaim = (
  { client, final }: Pick<ClaimTarget<never, never, never>, "client" | "final">,
  { stored }: Pick<OwnClaim, "stored">,
  replacement: Stored,
  lifetime: Lifetime
): Effect.Effect<boolean, CommandError> =>
  perform(client, overSeen(final, { stored, header: readHeader(stored) }, replacement, lifetime))

/** What the key holds while the claim on it is ours. */
interface OwnClaim {
  stored: Stored
  /** There is a value, which the claim stands beside. */
  readonly value: Found<unknown> | undefined
  /** Whether others are served that value meanwhile. */
  readonly serves: (now: number) => boolean
  readonly token: string
  /** The reply of a renewal is due, and nobody knows what the key holds. */
  isRenewing: boolean
  /** What was looked up has taken its place. */
  isOver: boolean
}

export type Acquired<A, E> =
  | { readonly _tag: "Claimed"; readonly own: OwnClaim }
  | { readonly _tag: "Value"; readonly result: Exit.Exit<LookupResult<A>, E> }
  | { readonly _tag: "Unclaimed" }

const acquire = Effect.fnUntraced(function* <A, E, R>(
  target: ClaimTarget<A, E, R>,
  first: Found<A> | undefined,
  asked: Asked
): Effect.fn.Return<Acquired<A, E>, CommandError, R> {
  const { client, final, read, serves, usable } = target
  const deadline = (yield* Clock.currentTimeMillis) + maxWait
  const token = yield* makeToken
  let seen = first
  let wait = pause.first
  for (;;) {
    const now = yield* Clock.currentTimeMillis
    if (!isClaimed(seen, now)) {
      const claim = { until: Math.ceil(now) + claimMillis, token }
      const beside = seen !== undefined && Option.isSome(seen.value) ? seen : undefined
      const own: OwnClaim = {
        token,
        value: beside,
        serves: (now) => beside !== undefined && serves(beside, now),
        stored: claimOn(seen, claim),
        isRenewing: false,
        isOver: false
      }
      asked.claim = own
      const done =
        seen === undefined
          ? (yield* client.send("SET", [final, own.stored, "NX", "PX", claimMillis])) === "OK"
          : yield* perform(client, overSeen(final, seen, own.stored, own.value === undefined ? claimMillis : "keep"))
      if (done) return { _tag: "Claimed", own }
      asked.claim = undefined
    } else {
      if (now >= deadline) return { _tag: "Unclaimed" }
      yield* Effect.sleep(wait)
      wait = Math.min(pause.most, wait * 2)
    }
    seen = yield* read
    const result = seen === undefined ? Option.none() : yield* usable(seen, yield* Clock.currentTimeMillis)
    if (Option.isSome(result)) return { _tag: "Value", result: result.value }
  }
})

export const isClaimed = (found: Found<unknown> | undefined, now: number): boolean => {
  const claim = found?.header?.claim
  return claim !== undefined && now < claim.until
}

/** A value keeps its place, so that it can be served meanwhile. */
const claimOn = (found: Found<unknown> | undefined, claim: Claim): Stored =>
  found?.header !== undefined && Option.isSome(found.value)
    ? claimed(found.stored, found.header, claim)
    : bareClaim(claim)

const whileClaimed = <A, E, R, RD>(
  target: ClaimTarget<A, E, RD>,
  own: OwnClaim,
  work: (claim: HeldClaim) => Effect.Effect<LookupResult<A>, E, R>,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
): Effect.Effect<LookupResult<A>, E, R> =>
  Effect.flatMap(
    // At once, so that it works under `runSync`: it begins with a pause.
    Effect.forkIn(Effect.interruptible(renewing(target, own)), target.scope, { startImmediately: true }),
    (renewal) => {
      const store: HeldClaim["store"] = (encoded, lifetime) =>
        Effect.flatMap(ended(renewal, own), () =>
          Effect.map(replaceClaim(target, own, encoded, lifetime), (done) => (own.isOver = done))
        )
      const nothing = Effect.flatMap(ended(renewal, own), () => Effect.as(Effect.ignore(unclaim(target, own)), false))
      return Effect.onExit(restore(work({ store, nothing })), (exit) =>
        Effect.andThen(Fiber.interrupt(renewal), Exit.isSuccess(exit) ? Effect.void : release(target, own, exit))
      )
    }
  )

/** At once, but for the reply of a renewal that is due: the store is to be written before its caller goes on. */
const ended = (renewal: Fiber.Fiber<void>, own: OwnClaim): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (own.isRenewing) return Fiber.interrupt(renewal)
    renewal.interruptUnsafe()
    return Effect.void
  })

/**
 * The next process may try at once. Beside a value that is served meanwhile the claim of a lookup that failed stays, and
 * spares a failing source the others' lookups.
 */
const release = <A, E, R>(
  target: ClaimTarget<A, E, R>,
  own: OwnClaim,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    !own.isOver && (!own.serves(now) || Exit.hasInterrupts(exit)) ? Effect.ignore(unclaim(target, own)) : Effect.void
  )

const renewing = <A, E, R>(target: ClaimTarget<A, E, R>, own: OwnClaim): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(renewEvery)
      const claim = { until: Math.ceil(yield* Clock.currentTimeMillis) + claimMillis, token: own.token }
      const next = claimOn(own.value, claim)
      const lifetime = own.value === undefined ? claimMillis : "keep"
      own.isRenewing = true
      // Only interrupted while it waits: otherwise nobody knew what the key holds.
      const kept = yield* Effect.uninterruptible(
        Effect.tap(replaceClaim(target, own, next, lifetime), (done) =>
          Effect.sync(() => {
            own.isRenewing = false
            if (done) own.stored = next
          })
        )
      )
      if (!kept) return
    }
  }).pipe(Effect.ignore)
