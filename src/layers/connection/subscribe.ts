/** Channels, each stream on a connection of its own. */
import { Cause, Effect, Queue, Stream } from "effect"
import { type CacheError, CacheConnectionError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { Message, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { channelRefusal } from "../commands/commandRules.ts"
import { fromRejection, notConnected } from "./errors.ts"
import type { Link, LinkOptions } from "./Link.ts"
import { Echo, Question } from "./Question.ts"
import type { Wire } from "./Wire.ts"
import { Ticker } from "./Timer.ts"

/** Messages that may wait for a slow reader. One more and the stream fails, because dropping them would be silent. */
const maxWaiting = 16_384

/** A subscriber is asked for a sign of life this often within the socket timeout. */
const heartbeats = 3

/** What the owner of a subscriber's link has to know of it. */
export type ListenerOptions = Pick<LinkOptions, "onLost">

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
  let heartbeat: Ticker | undefined
  let isOver = false
  const fail = (error: CacheError) => {
    heartbeat?.stop()
    if (isOver) return
    isOver = true
    onError(error)
  }
  const link = openLink({
    onLost: () => fail(new CacheConnectionError({ ...notConnected(link.circumstances("SUBSCRIBE")), phase: "lost" }))
  })
  const start = (wire: Wire) => {
    wire.listen(({ channel, message }) => onMessage({ channel, message: String(message) }))
    const { commandTimeout, socketTimeout } = settings
    for (const channel of channels) {
      wire.write(
        new Question("SUBSCRIBE", [channel], commandTimeout, (error) => {
          if (error === undefined) return
          fail(fromRejection(error, link.circumstances("SUBSCRIBE")) ?? protocolError("SUBSCRIBE", link.node))
        })
      )
    }
    // An idle subscriber notices a dead peer only if it asks.
    let beats = 0
    const ask = () => wire.write(new Echo(String(++beats), socketTimeout))
    heartbeat = new Ticker(socketTimeout / heartbeats, ask)
  }
  link.whenReady({ operation: "SUBSCRIBE", ready: start, fail })
  return {
    stop: () => {
      heartbeat?.stop()
      return link.end()
    }
  }
}

const overflow = () =>
  new CacheConnectionError({
    operation: "SUBSCRIBE",
    phase: "lost",
    code: "OVERFLOW",
    mayHaveExecuted: false
  })
