/** Announcements where one server has all keys, or of one server among several. */
import type { Invalidation } from "../../../schema/Invalidation.ts"
import type { Announcer, Coverage } from "../../invalidations/Announcer.ts"
import { type ChannelOptions, InvalidationChannel } from "./InvalidationChannel.ts"

export interface OneServerOptions extends Omit<ChannelOptions, "coverage" | "key" | "onLive" | "tell"> {
  /** A key that the server has, or would have, under the prefixes where it can. Default: any. */
  readonly keyUnder?: ((prefixes: ReadonlyArray<string>) => string) | undefined
}

export class OneServerAnnouncer implements Announcer {
  readonly #options: OneServerOptions
  /** The latest is the last. Those before it go on until it stands. */
  #channels: Array<InvalidationChannel> = []
  /** Whom the last event was about. */
  #server: string | undefined

  constructor(options: OneServerOptions) {
    this.#options = options
  }

  cover(coverage: Coverage): void {
    const { keyUnder = anyUnder, ...options } = this.#options
    const channel: InvalidationChannel = new InvalidationChannel({
      ...options,
      coverage,
      tell: (event) => this.#tell(coverage, event),
      key: () => keyUnder(coverage.prefixes),
      onLive: () => this.#leaveOlder(channel)
    })
    this.#channels.push(channel)
  }

  close(): void {
    for (const channel of this.#channels) channel.end()
    this.#channels = []
    this.#server = undefined
  }

  /** The connection that reads take has changed. */
  beat(): void {
    for (const channel of this.#channels) channel.beat()
  }

  /** One server takes the place of another, which has no keys then. */
  #tell({ tell }: Coverage, event: Invalidation): void {
    const old = this.#server
    const server = event._tag === "Keys" ? undefined : event.server
    if (server !== undefined) this.#server = server
    if (old !== undefined && server !== undefined && server !== old) {
      tell({ _tag: "Down", server: old, reason: "another server has taken its place", cause: "left" })
    }
    tell(event)
  }

  /** One that is older may stand first, and the later one is still wanted. */
  #leaveOlder(current: InvalidationChannel): void {
    const at = this.#channels.indexOf(current)
    for (const channel of this.#channels.slice(0, at)) channel.end()
    this.#channels = this.#channels.slice(at)
  }
}

const anyUnder = ([prefix = ""]: ReadonlyArray<string>): string => `${prefix}near`
