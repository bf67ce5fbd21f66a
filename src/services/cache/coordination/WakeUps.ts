/**
 * Wakes waiters for locks and permits by messages on a channel: one subscription for all waiters of this process, on the server
 * that publishes the messages.
 */
import { Effect, Equal, Exit, Hash, Latch, RcMap, type Scope, Stream } from "effect"
import type { CacheConnectionError } from "../../../schema/CacheError.ts"
import { closedError } from "../../../schema/failures.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { pauseAfterLoss } from "../kernel/pauseAfterLoss.ts"
import type { Leasable } from "./Leasable.ts"

/** How long a subscription without waiters is kept for the next one. */
const idleTime = "10 seconds"

export interface WakeUps {
  /**
   * Returns a latch that opens at each message of that name, when messages may have been lost, and when the caches close, as long
   * as the scope lasts.
   */
  readonly listen: (
    leasable: Pick<Leasable<unknown>, "channel" | "place">,
    name: string
  ) => Effect.Effect<Latch.Latch, CacheConnectionError, Scope.Scope>
}

export const makeWakeUps = (client: ValkeyClientShape): Effect.Effect<WakeUps, never, Scope.Scope> =>
  Effect.map(RcMap.make({ lookup: subscription, idleTimeToLive: idleTime }), (subscriptions): WakeUps => ({
    listen: ({ channel, place }, name) =>
      Effect.flatMap(
        orClosed(RcMap.get(subscriptions, new Source(client.serverOf?.(place) ?? client, channel))),
        (latches) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              const latch = Latch.makeUnsafe(false)
              const others = latches.get(name) ?? new Set()
              latches.set(name, others.add(latch))
              return latch
            }),
            (latch) =>
              Effect.sync(() => {
                const others = latches.get(name)
                others?.delete(latch)
                if (others?.size === 0) latches.delete(name)
              })
          )
      )
  }))

/** A map that is closed interrupts its callers, who are told that the cache is closed. */
const orClosed = <A, R>(asked: Effect.Effect<A, never, R>): Effect.Effect<A, CacheConnectionError, R> =>
  Effect.catchCause(asked, () => Exit.fail(closedError("lock.acquire")))

type Subscribing = Pick<ValkeyClientShape, "subscription">

/** A channel, and the client that subscribes to it. */
class Source implements Equal.Equal {
  readonly client: Subscribing
  readonly channel: string

  constructor(client: Subscribing, channel: string) {
    this.client = client
    this.channel = channel
  }

  [Equal.symbol](that: unknown): boolean {
    return that instanceof Source && that.client === this.client && that.channel === this.channel
  }

  [Hash.symbol](): number {
    return Hash.string(this.channel)
  }
}

const subscription = ({ channel, client }: Source) =>
  Effect.gen(function* () {
    const latches = new Map<string, Set<Latch.Latch>>()
    const wakeAll = Effect.sync(() => {
      for (const others of latches.values()) for (const latch of others) latch.openUnsafe()
    })
    const listening = Effect.scoped(
      Effect.flatMap(client.subscription(channel), (messages) =>
        // What was said before nobody here has heard.
        Effect.andThen(
          wakeAll,
          Stream.runForEach(messages, ({ message }) =>
            Effect.sync(() => {
              for (const latch of latches.get(message) ?? []) latch.openUnsafe()
            })
          )
        )
      )
    )
    yield* Effect.addFinalizer(() => wakeAll)
    yield* Effect.forkScoped(
      Effect.forever(Effect.andThen(Effect.ignore(listening), Effect.andThen(wakeAll, Effect.sleep(pauseAfterLoss))))
    )
    return latches
  })
