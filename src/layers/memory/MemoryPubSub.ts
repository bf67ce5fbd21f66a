/** Channels in this process. */
import type { Message } from "../../services/ValkeyClient.ts"

export class MemoryPubSub {
  readonly #subscribers = new Map<string, Set<(message: Message) => void>>()

  /** Calls `receive` for every message until the returned function is called. */
  subscribe(channels: ReadonlyArray<string>, receive: (message: Message) => void): () => void {
    for (const channel of channels) {
      const receivers = this.#subscribers.get(channel) ?? new Set()
      this.#subscribers.set(channel, receivers.add(receive))
    }
    return () => {
      for (const channel of channels) {
        const receivers = this.#subscribers.get(channel)
        receivers?.delete(receive)
        if (receivers?.size === 0) this.#subscribers.delete(channel)
      }
    }
  }

  /** How many received it. */
  publish(channel: string, message: string): number {
    const receivers = this.#subscribers.get(channel)
    for (const receive of receivers ?? []) receive({ channel, message })
    return receivers?.size ?? 0
  }
}
