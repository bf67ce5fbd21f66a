/** Single flight among processes: who looks a key up says so in the key itself, so that whatever happens to the key happens to the claim. */
import { Clock, Effect, Exit, Fiber, Option, type Scope } from "effect"
import type { CacheError } from "../../../schema/CacheError.ts"
import type { Arg } from "../../../schema/Command.ts"
import { bareClaim, type Claim, claimed, type Stored } from "../../../schema/frame.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { deleteScript, replaceScript } from "../kernel/compareScripts.ts"
import type { Found } from "../kernel/entry.ts"
import { makeToken } from "../kernel/token.ts"

/** A claim outlives the process that made it by this much at most, in milliseconds; it is renewed three times in it. */
const claimMillis = 10_000
const renewEvery = 3000

/** Others wait this long for a value before they look it up themselves, without storing it. */
const maxWait = 30_000

const pause = { first: 5, most: 200 }

export interface ClaimTarget<A, R> {
  readonly client: ValkeyClientShape
  readonly final: string
  readonly scope: Scope.Scope
  /** The policy that the acquisition passes. */
  readonly guard: (acquire: Effect.Effect<Acquired<A>, CacheError, R>) => Effect.Effect<Acquired<A>, CacheError, R>
  readonly read: Effect.Effect<Found<A> | undefined, CacheError, R>
  /** The value where it needs no lookup now. */
  readonly usable: (found: Found<A>, now: number) => Option.Option<A>
}

/** What a lookup is given with its claim: the right to store what it gives. */
export interface HeldClaim {
  /** Whether it was stored: not where the key has changed since. Milliseconds; 0 = the key is to be absent. */
  readonly store: (encoded: Stored, lifetime: number) => Effect.Effect<boolean, CacheError>
}

/**
 * Runs `work` with a claim on the key, or gives the value that another process has stored meanwhile. Without one,
 * because the server cannot be asked or the other takes too long, `work` runs all the same.
 */
export const withClaim = <A, E, R, RD>(
  target: ClaimTarget<A, RD>,
  seen: Found<A> | undefined,
  work: (claim: HeldClaim | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | RD> =>
  Effect.flatMap(
    Effect.catch(target.guard(acquire(target, seen)), () => Effect.succeed<Acquired<A>>({ _tag: "Unclaimed" })),
    (acquired) => {
      switch (acquired._tag) {
        case "Value":
          return Effect.succeed(acquired.value)
        case "Unclaimed":
          return work(undefined)
        case "Claimed":
          return whileClaimed(target, acquired.own, work)
      }
    }
  )

/** What the key holds while the claim on it is ours. */
interface OwnClaim {
  stored: Stored
  /** There is a value, which the claim stands beside. */
  readonly value: Found<unknown> | undefined
  readonly token: string
}

export type Acquired<A> =
  | { readonly _tag: "Claimed"; readonly own: OwnClaim }
  | { readonly _tag: "Value"; readonly value: A }
  | { readonly _tag: "Unclaimed" }

const acquire = Effect.fnUntraced(function* <A, R>(
  target: ClaimTarget<A, R>,
  first: Found<A> | undefined
): Effect.fn.Return<Acquired<A>, CacheError, R> {
  const { client, final, read, usable } = target
  const deadline = (yield* Clock.currentTimeMillis) + maxWait
  const token = yield* makeToken
  let seen = first
  let wait = pause.first
  for (;;) {
    const now = yield* Clock.currentTimeMillis
    if (!isClaimed(seen, now)) {
      const claim = { until: Math.ceil(now) + claimMillis, token }
      const own: OwnClaim = {
        token,
        value: seen !== undefined && Option.isSome(seen.value) ? seen : undefined,
        stored: claimOn(seen, claim)
      }
      const done =
        seen === undefined
          ? (yield* client.send("SET", [final, own.stored, "NX", "PX", claimMillis])) === "OK"
          : yield* replace(client, final, seen.stored, own.stored, own.value === undefined ? claimMillis : "")
      if (done) return { _tag: "Claimed", own }
    } else {
      if (now >= deadline) return { _tag: "Unclaimed" }
      yield* Effect.sleep(wait)
      wait = Math.min(pause.most, wait * 2)
    }
    seen = yield* read
    const value = seen === undefined ? Option.none<A>() : usable(seen, yield* Clock.currentTimeMillis)
    if (Option.isSome(value)) return { _tag: "Value", value: value.value }
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

const replace = (client: ValkeyClientShape, final: string, expected: Stored, replacement: Stored, lifetime: Arg) =>
  Effect.map(client.eval(replaceScript, [final], [expected, replacement, String(lifetime)]), (reply) => reply === 1)

const whileClaimed = <A, E, R, RD>(
  target: ClaimTarget<A, RD>,
  own: OwnClaim,
  work: (claim: HeldClaim) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      // At once, so that it works under `runSync`: it begins with a pause.
      Effect.forkIn(Effect.interruptible(renewing(target, own)), target.scope, { startImmediately: true }),
      (renewal) => {
        const store: HeldClaim["store"] = (encoded, lifetime) =>
          Effect.flatMap(Fiber.interrupt(renewal), () =>
            replace(target.client, target.final, own.stored, encoded, lifetime === Infinity ? "inf" : lifetime)
          )
        return Effect.onExit(restore(work({ store })), (exit) =>
          Effect.andThen(Fiber.interrupt(renewal), Exit.isSuccess(exit) ? Effect.void : release(target, own))
        )
      }
    )
  )

/** The next process may try at once; beside a value the claim stays, and spares a failing source the others' lookups. */
const release = <A, R>({ client, final }: ClaimTarget<A, R>, own: OwnClaim): Effect.Effect<void> =>
  own.value === undefined ? Effect.ignore(client.eval(deleteScript, [final], [own.stored])) : Effect.void

const renewing = <A, R>({ client, final }: ClaimTarget<A, R>, own: OwnClaim): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(renewEvery)
      const claim = { until: Math.ceil(yield* Clock.currentTimeMillis) + claimMillis, token: own.token }
      const next = claimOn(own.value, claim)
      const lifetime = own.value === undefined ? claimMillis : ""
      // Only interrupted while it waits: otherwise nobody knew what the key holds.
      const kept = yield* Effect.uninterruptible(
        Effect.tap(replace(client, final, own.stored, next, lifetime), (done) =>
          Effect.sync(() => {
            if (done) own.stored = next
          })
        )
      )
      if (!kept) return
    }
  }).pipe(Effect.ignore)
