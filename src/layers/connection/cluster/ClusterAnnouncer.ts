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

export class ClusterAnnouncer implements Announcer {
  readonly #options: ClusterAnnouncerOptions
  readonly #servers = new Map<string, OneServerAnnouncer>()
  #coverage: Coverage | undefined

  constructor(options: ClusterAnnouncerOptions) {
    this.#options = options
  }

  cover(coverage: Coverage): void {
    this.#coverage = coverage
    const topology = this.#options.topology()
    if (topology.isLoaded) {
      for (const [node, server] of this.#servers) this.#cover(node, server, coverage)
      return this.follow(new Set())
    }
    coverage.tell({ _tag: "Down", server: undefined, reason: beingOpened, cause: "lost" })
    this.#refresh()
  }

  close(): void {
    this.#coverage = undefined
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }

  /** Other servers may have slots now. `concerned`: those that have lost some or were given some. */
  follow(concerned: ReadonlySet<string>): void {
    const coverage = this.#coverage
    if (coverage === undefined) return
    const { primaries } = this.#options.topology()
    const { tell } = coverage
    for (const server of concerned) {
      if (this.#servers.has(server)) tell({ _tag: "Everything", server, reason: "slots have moved" })
    }
    for (const [node, server] of this.#servers) {
      if (primaries.includes(node)) continue
      server.close()
      this.#servers.delete(node)
      tell({ _tag: "Down", server: node, reason: "it has no slots any more", cause: "left" })
    }
    for (const node of primaries) if (!this.#servers.has(node)) this.#open(node, coverage)
  }

  /** The connection that reads of the server take has changed. */
  beat(node: string): void {
    this.#servers.get(node)?.beat()
  }

  #open(node: string, coverage: Coverage): void {
    const { data, openLink, settings, time, topology, tracking } = this.#options
    const endpoint = topology().endpointOf(node)
    if (endpoint === undefined) return
    const server = new OneServerAnnouncer({
      tracking,
      openLink: (options) => openLink(endpoint, options),
      data: () => data(endpoint),
      keyUnder: keyOfServer((slot) => topology().shardOf(slot)?.primary === node),
      settings,
      time,
      // Whoever has its keys now is known to others.
      onDisowned: () => this.#refresh()
    })
    this.#servers.set(node, server)
    this.#cover(node, server, coverage)
  }

  /** That a key does not exist is known only where every server announces. */
  #cover(node: string, server: OneServerAnnouncer, coverage: Coverage): void {
    coverage.tell({ _tag: "Down", server: node, reason: beingOpened, cause: "lost" })
    server.cover(coverage)
  }

  #refresh(): void {
    this.#options
      .topology()
      .refresh()
      .catch(() => {})
  }
}
