/** Announcements of a cluster: each primary tells of its own keys, and all of them have to, because slots move. */
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import { beingOpened, type Tracking } from "../../../schema/Invalidation.ts"
import type { Announcer, Coverage } from "../../invalidations/Announcer.ts"
import type { Link, LinkOptions } from "../Link.ts"
import type { MachineTime } from "../MachineTime.ts"
import { OneServerAnnouncer } from "../tracking/OneServerAnnouncer.ts"
import type { ClusterTopology } from "./ClusterTopology.ts"
import { keyOfServer } from "./keyOfServer.ts"

export interface ClusterAnnouncerOptions {
  readonly tracking: Tracking
  readonly topology: () => ClusterTopology
  readonly openLink: (endpoint: Endpoint, options: Pick<LinkOptions, "onState" | "settings">) => Link
  /** The connection that reads of the server take, which opens at the first need. */
  readonly data: (endpoint: Endpoint) => Link
  readonly settings: ConnectionSettings
  readonly time: MachineTime
}

interface Server {
  readonly announcer: OneServerAnnouncer
  /** It has no slots, but may have keys of one that is moving to it. */
  readonly isEmpty: boolean
}

export class ClusterAnnouncer implements Announcer {
  readonly #options: ClusterAnnouncerOptions
  readonly #servers = new Map<string, Server>()
  #coverage: Coverage | undefined

  constructor(options: ClusterAnnouncerOptions) {
    this.#options = options
  }

  get isCovering(): boolean {
    return this.#coverage !== undefined
  }

  cover(coverage: Coverage): void {
    this.#coverage = coverage
    if (this.#options.topology().isLoaded) {
      for (const [node, { announcer }] of this.#servers) this.#cover(node, announcer, coverage)
      this.follow(new Set())
    } else coverage.tell({ _tag: "Down", server: undefined, reason: beingOpened, cause: "lost" })
    // Primaries without slots are not known yet.
    this.#refresh()
  }

  close(): void {
    this.#coverage = undefined
    for (const { announcer } of this.#servers.values()) announcer.close()
    this.#servers.clear()
  }

  /** Other servers may have slots now. `concerned`: those that have lost some or were given some. */
  follow(concerned: ReadonlySet<string>): void {
    const coverage = this.#coverage
    if (coverage === undefined) return
    const { emptyPrimaries, primaries } = this.#options.topology()
    // Keys that nobody has read, such as those on their way, are told of under prefixes only.
    const empty = this.#options.tracking === "broadcast" ? [...emptyPrimaries.keys()] : []
    const wanted = new Map([
      ...empty.map((node) => [node, true] as const),
      ...primaries.map((node) => [node, false] as const)
    ])
    const { tell } = coverage
    for (const server of concerned) {
      if (this.#servers.has(server)) tell({ _tag: "Everything", server, reason: "slots have moved" })
    }
    for (const [node, { announcer, isEmpty }] of this.#servers) {
      if (wanted.get(node) === isEmpty) continue
      announcer.close()
      this.#servers.delete(node)
      tell({ _tag: "Down", server: node, reason: "it has no slots any more", cause: "left" })
    }
    for (const [node, isEmpty] of wanted) if (!this.#servers.has(node)) this.#open(node, isEmpty, coverage)
  }

  /** The connection that reads of the server take has changed. */
  beat(node: string): void {
    this.#servers.get(node)?.announcer.beat()
  }

  #open(node: string, isEmpty: boolean, coverage: Coverage): void {
    const { data, openLink, settings, time, topology, tracking } = this.#options
    const endpoint = topology().endpointOf(node) ?? topology().emptyPrimaries.get(node)
    if (endpoint === undefined) return
    const announcer = new OneServerAnnouncer({
      tracking,
      openLink: (options) => openLink(endpoint, options),
      data: isEmpty ? undefined : () => data(endpoint),
      keyUnder: keyOfServer((slot) => topology().shardOf(slot)?.primary === node),
      settings,
      time,
      // Whoever has its keys now is known to others.
      onDisowned: () => this.#refresh()
    })
    this.#servers.set(node, { announcer, isEmpty })
    this.#cover(node, announcer, coverage)
  }

  /** That a key does not exist is known only where every server announces. */
  #cover(node: string, announcer: OneServerAnnouncer, coverage: Coverage): void {
    coverage.tell({ _tag: "Down", server: node, reason: beingOpened, cause: "lost" })
    announcer.cover(coverage)
  }

  #refresh(): void {
    this.#options
      .topology()
      .refresh()
      .catch(() => {})
  }
}
