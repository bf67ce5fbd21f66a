/** Channels on a connection of their own. */
import { type CommandError, CacheConnectionError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { protocolError } from "../../schema/failures.ts"
import type { Message } from "../../services/ValkeyClient.ts"
import { fromRejection, notConnected } from "./errors.ts"
import type { Link, LinkOptions } from "./Link.ts"
import { Echo, Question } from "./Question.ts"
import type { Wire } from "./Wire.ts"
import { PatientTimer, Ticker } from "./Timer.ts"

/** A subscriber is asked for a sign of life this often within the socket timeout. */
const heartbeats = 3

/** What the owner of a subscriber's link has to know of it. */
export type ListenerOptions = Pick<LinkOptions, "onLost">

export interface Listener {
  readonly stop: () => Promise<void>
}

export interface Channels {
  readonly command: "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE"
  readonly channels: ReadonlyArray<string>
}

export interface Handlers {
  /** The server has confirmed every channel. */
  readonly onReady?: (() => void) | undefined
  readonly onMessage: (message: Message) => void
  /** No more messages come. */
  readonly onError: (error: CommandError) => void
}

/** Subscribes once; when the connection is lost it is over. */
export const listen = (
  settings: ConnectionSettings,
  openLink: (options: ListenerOptions) => Link,
  { channels, command }: Channels,
  { onError, onMessage, onReady }: Handlers
): Listener => {
  let heartbeat: Ticker | undefined
  let deadline: PatientTimer | undefined
  let isOver = false
  let unconfirmed = channels.length
  const stopTimers = () => {
    heartbeat?.stop()
    deadline?.stop()
  }
  const fail = (error: CommandError) => {
    stopTimers()
    if (isOver) return
    isOver = true
    onError(error)
  }
  const lost = (code?: string) => {
    const error = notConnected(link.circumstances(command))
    return new CacheConnectionError({ ...error, phase: "lost", ...(code === undefined ? {} : { code }) })
  }
  const link = openLink({ onLost: () => fail(lost()) })
  const start = (wire: Wire) => {
    wire.listen({
      onMessage: (message) => onMessage({ ...message, message: String(message.message) }),
      onDropped: () => fail(lost("SLOT_MOVED"))
    })
    const { commandTimeout, socketTimeout } = settings
    for (const channel of channels) {
      wire.write(
        new Question(command, [channel], commandTimeout, (error) => {
          if (error !== undefined) {
            fail(fromRejection(error, link.circumstances(command)) ?? protocolError(command, link.node))
          } else if (--unconfirmed === 0) {
            deadline?.stop()
            onReady?.()
          }
        })
      )
    }
    deadline = new PatientTimer(commandTimeout, () => fail(tooLate(command, commandTimeout, link.node)))
    // An idle subscriber notices a dead peer only if it asks.
    let beats = 0
    const ask = () => wire.write(new Echo(String(++beats), socketTimeout))
    heartbeat = new Ticker(socketTimeout / heartbeats, ask)
  }
  link.whenReady({ operation: command, ready: start, fail })
  return {
    stop: () => {
      stopTimers()
      return link.end()
    }
  }
}

const tooLate = (operation: string, timeout: number, node: string | undefined) =>
  new CacheTimeoutError({ operation, phase: "command", timeout, node, mayHaveExecuted: false })
