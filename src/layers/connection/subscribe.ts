/** Channels, each stream on a connection of its own. */
import { Cause, Effect, Queue, Stream } from "effect"
import type { Redis } from "iovalkey"
import { type CacheError, CacheConnectionError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { protocolError, refused } from "../../schema/failures.ts"
import type { Message, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { fromRejection, notConnected } from "./errors.ts"
import { Link } from "./Link.ts"

/** Messages that may wait for a slow reader. One more and the stream fails, because dropping them would be silent. */
const maxWaiting = 16_384

/** A subscriber is asked for a sign of life this often within the socket timeout. */
const heartbeats = 3

export const makeSubscribe =
  (settings: ConnectionSettings, random: () => number): ValkeyClientShape["subscribe"] =>
  (...channels) => {
    if (channels.some((channel) => !channel.isWellFormed())) {
      return Stream.fromEffect(refused("SUBSCRIBE", "a channel must not contain a lone surrogate"))
    }
    return Stream.callback<Message, CacheError>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => listen(settings, random, channels, queue)),
        (listener) => Effect.promise(() => listener.stop())
      )
    )
  }

interface Listener {
  readonly stop: () => Promise<void>
}

const listen = (
  settings: ConnectionSettings,
  random: () => number,
  channels: ReadonlyArray<string>,
  queue: Queue.Queue<Message, CacheError | Cause.Done>
): Listener => {
  const fail = (error: CacheError) => Queue.failCauseUnsafe(queue, Cause.fail(error))
  let heartbeat: NodeJS.Timeout | undefined
  let unanswered = 0
  const link = new Link({
    settings,
    random,
    repliesDue: () => unanswered > 0,
    onLost: () => {
      clearInterval(heartbeat)
      fail(new CacheConnectionError({ ...notConnected(link.circumstances("SUBSCRIBE")), phase: "lost" }))
    }
  })
  const start = (client: Redis) => {
    client.on("message", (channel: string, message: string) => {
      if (Queue.sizeUnsafe(queue) < maxWaiting) return void Queue.offerUnsafe(queue, { channel, message })
      fail(overflow(link.node))
    })
    unanswered++
    client.subscribe(...channels).then(
      () => unanswered--,
      (error: unknown) =>
        fail(fromRejection(error, link.circumstances("SUBSCRIBE")) ?? protocolError("SUBSCRIBE", link.node))
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
  link.whenReady({ operation: "SUBSCRIBE", ready: start, fail })
  return {
    stop: () => {
      clearInterval(heartbeat)
      return link.end()
    }
  }
}

const overflow = (node: string) =>
  new CacheConnectionError({
    operation: "SUBSCRIBE",
    phase: "lost",
    code: "OVERFLOW",
    node,
    mayHaveExecuted: false
  })
