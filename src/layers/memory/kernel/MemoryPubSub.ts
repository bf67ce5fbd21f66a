/** Channels in this process. */
import type { Message } from "../../../services/ValkeyClient.ts"
import type { ChannelKind } from "../../commands/channels.ts"
import { globMatcher } from "../../../schema/glob.ts"

type Receive = (message: Message) => void

/** Those who listen to one name. */
interface Listeners {
  readonly receivers: Set<Receive>
  /** Of a pattern: whether it stands for the channel. */
  readonly matches: (channel: string) => boolean
}

export class MemoryPubSub {
  readonly #listeners: Readonly<Record<ChannelKind, Map<string, Listeners>>> = {
    channel: new Map(),
    pattern: new Map(),
    sharded: new Map()
  }

  /** Calls `receive` for every message until the returned function is called. */
  subscribe(kind: ChannelKind, names: ReadonlyArray<string>, receive: Receive): () => void {
    const all = this.#listeners[kind]
    for (const name of names) {
      const listeners = all.get(name) ?? { receivers: new Set(), matches: globMatcher(name) }
      all.set(name, listeners)
      listeners.receivers.add(receive)
    }
    return () => {
      for (const name of names) {
        const receivers = all.get(name)?.receivers
        receivers?.delete(receive)
        if (receivers?.size === 0) all.delete(name)
      }
    }
  }

  /** How many received it. Those of patterns come after those of the channel. */
  publish(channel: string, message: string): number {
    const heard = this.#tell("channel", channel, { channel, message })
    let more = 0
    for (const [pattern, { matches, receivers }] of this.#listeners.pattern) {
      if (!matches(channel)) continue
      for (const receive of receivers) receive({ channel, message, pattern })
      more += receivers.size
    }
    return heard + more
  }

  /** SPUBLISH: sharded channels are others than those of PUBLISH, whatever their names are. */
  publishSharded(channel: string, message: string): number {
    return this.#tell("sharded", channel, { channel, message })
  }

  /** How many patterns are listened to. */
  get patterns(): number {
    return this.#listeners.pattern.size
  }

  /** Those that somebody listens to by name, and that the glob matches. */
  channels(kind: "channel" | "sharded", pattern: string): ReadonlyArray<string> {
    return [...this.#listeners[kind].keys()].filter(globMatcher(pattern))
  }

  /** How many listen to it by its name. */
  listeners(kind: "channel" | "sharded", channel: string): number {
    return this.#listeners[kind].get(channel)?.receivers.size ?? 0
  }

  #tell(kind: "channel" | "sharded", channel: string, message: Message): number {
    const receivers = this.#listeners[kind].get(channel)?.receivers
    for (const receive of receivers ?? []) receive(message)
    return receivers?.size ?? 0
  }
}
