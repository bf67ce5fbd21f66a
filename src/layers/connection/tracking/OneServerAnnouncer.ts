/** Announcements where one server has all keys. */
import type { Announcer, Coverage } from "../../invalidations/Announcer.ts"
import { type ChannelOptions, InvalidationChannel } from "./InvalidationChannel.ts"

export class OneServerAnnouncer implements Announcer {
  readonly #options: Omit<ChannelOptions, "coverage" | "key" | "onLive">
  /** The latest is the last. Those before it go on until it stands. */
  #channels: Array<InvalidationChannel> = []

  constructor(options: Omit<ChannelOptions, "coverage" | "key" | "onLive">) {
    this.#options = options
  }

  cover(coverage: Coverage): void {
    const channel: InvalidationChannel = new InvalidationChannel({
      ...this.#options,
      coverage,
      key: `${coverage.prefixes[0]}near`,
      onLive: () => this.#leaveOthers(channel)
    })
    this.#channels.push(channel)
  }

  close(): void {
    for (const channel of this.#channels) channel.end()
    this.#channels = []
  }

  /** The connection that reads take has changed. */
  beat(): void {
    for (const channel of this.#channels) channel.beat()
  }

  #leaveOthers(current: InvalidationChannel): void {
    for (const channel of this.#channels) if (channel !== current) channel.end()
    this.#channels = [current]
  }
}
