/** Channels, each stream on a connection of its own. */
import { Cause, Effect, Queue, Stream } from "effect"
import type { Redis } from "iovalkey"
import { type CacheError, CacheConnectionError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { Message, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { channelRefusal } from "../commands/commandRules.ts"
import { fromRejection, notConnected } from "./errors.ts"
import type { Link, LinkOptions } from "./Link.ts"

/** Messages that may wait for a slow reader. One more and the stream fails, because dropping them would be silent. */
const maxWaiting = 16_384

/** A subscriber is asked for a sign of life this often within the socket timeout. */
const heartbeats = 3

/** What the owner of a subscriber's link has to know of it. */
export type ListenerOptions = Pick<LinkOptions, "repliesDue" | "onLost">

export const makeSubscribe =
  (settings: ConnectionSettings, openLink: (options: ListenerOptions) => Link): ValkeyClientShape["subscribe"] =>
  (...channels) => {
    const reason = channelRefusal(channels)
    if (reason !== undefined) return Stream.fromEffect(refused("SUBSCRIBE", reason))
    return Stream.callback<Message, CacheError>((queue) => {
      const fail = (error: CacheError) => Queue.failCauseUnsafe(queue, Cause.fail(error))
      return Effect.acquireRelease(
        Effect.sync(() =>
          listen(settings, openLink, channels, {
            onMessage: (message) => {
              if (Queue.sizeUnsafe(queue) < maxWaiting) return void Queue.offerUnsafe(queue, message)
              fail(overflow())
            },
            onError: fail
          })
        ),
        (listener) => Effect.promise(() => listener.stop())
      )
    })
  }

export interface Listener {
  readonly stop: () => Promise<void>
}

export interface Handlers {
  readonly onMessage: (message: Message) => void
  /** No more messages come. */
  readonly onError: (error: CacheError) => void
}

/** Subscribes once; when the connection is lost it is over. */
export const listen = (
  settings: ConnectionSettings,
  openLink: (options: ListenerOptions) => Link,
  channels: ReadonlyArray<string>,
  { onError, onMessage }: Handlers
): Listener => {
  let heartbeat: NodeJS.Timeout | undefined
  let unanswered = 0
  const link = openLink({
    repliesDue: () => unanswered > 0,
    onLost: () => {
      clearInterval(heartbeat)
      onError(new CacheConnectionError({ ...notConnected(link.circumstances("SUBSCRIBE")), phase: "lost" }))
    }
  })
  const start = (client: Redis) => {
    client.on("message", (channel: string, message: string) => onMessage({ channel, message }))
    unanswered++
    client.subscribe(...channels).then(
      () => unanswered--,
      (error: unknown) =>
        onError(fromRejection(error, link.circumstances("SUBSCRIBE")) ?? protocolError("SUBSCRIBE", link.node))
    )
    // An idle subscriber notices a dead peer only if it asks.
    const ping = () => {
      unanswered++
      client.ping().then(
        () => unanswered--,
        () => {}
      )
    }
    heartbeat = setInterval(ping, settings.socketTimeout / heartbeats).unref()
  }
  link.whenReady({ operation: "SUBSCRIBE", ready: start, fail: onError })
  return {
    stop: () => {
      clearInterval(heartbeat)
      return link.end()
    }
  }
}

const overflow = () =>
  new CacheConnectionError({
    operation: "SUBSCRIBE",
    phase: "lost",
    code: "OVERFLOW",
    node: undefined,
    mayHaveExecuted: false
  })
