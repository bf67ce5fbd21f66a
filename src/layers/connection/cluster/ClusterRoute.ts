/** Brings each command to the server of its slot, and after it when the slot moves. */
import { CacheConnectionError, type CommandError } from "../../../schema/CacheError.ts"
import type { ClusterSettings } from "../../../schema/ClusterOptions.ts"
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import type { ConnectionState } from "../client.ts"
import { mayRunScript } from "../../commands/commandTable.ts"
import type { ClientStates } from "../ClientStates.ts"
import type { Connections } from "../Connections.ts"
import type { Dispatcher, Route } from "../Dispatcher.ts"
import { causeOf, isDemoted, isReplyError, notConnected } from "../errors.ts"
import { nodeName } from "../Link.ts"
import { mayOutliveConnection, type PendingCommand } from "../PendingCommand.ts"
import { pickReplica } from "../replicaRoute.ts"
import { type Detours, ServerNode } from "../ServerNode.ts"
import type { ClusterTopology } from "./ClusterTopology.ts"
import { otherServer } from "./membership.ts"
import { acrossSlots, slotOfCommand, withoutKey } from "./slot.ts"
import { parseRedirect } from "./SlotTable.ts"
import { Timer } from "../Timer.ts"

/** A command that has met so many servers which cannot be reached is sent nowhere any more. */
const maxDetours = 16

/** Milliseconds before a command is tried again that the cluster could not execute for the moment. */
const patience = [10, 25, 50, 100, 100, 100, 100]

/** A command that servers have sent to one another so often is only sent on after a pause of these milliseconds. */
const promptRedirects = 5
const redirectPause = 50

/** After so many it fails, where its own deadline is later. */
const maxRedirects = 100

interface Progress {
  /** Servers that could not be reached. */
  detours: number
  /** Servers that named another one. */
  redirects: number
  waits: number
  tried: Set<ServerNode> | undefined
}

export interface ClusterRouteOptions {
  readonly settings: ClusterSettings
  readonly random: () => number
  readonly dispatcher: Dispatcher
  readonly topology: () => ClusterTopology
  readonly states?: ClientStates | undefined
  readonly onReady?: ((node: string) => void) | undefined
  readonly connections: Connections
  /** Of a connection that nobody shares. */
  readonly state?: ConnectionState | undefined
}

export class ClusterRoute implements Route {
  readonly node = undefined

  readonly #options: ClusterRouteOptions
  readonly #servers = new Map<string, ServerNode>()
  readonly #progress = new WeakMap<PendingCommand, Progress>()
  readonly #detours: Detours
  #together = false
  /** The server in whose middle of something a dedicated connection is, and the command that began it. */
  #pinned: { readonly server: ServerNode; readonly by: PendingCommand } | undefined
  #isClosed = false

  constructor(options: ClusterRouteOptions) {
    this.#options = options
    this.#detours = {
      unreachable: (command, from, error) => this.#onUnreachable(command, from, error),
      rejected: (command, from, error) => this.#onRejected(command, from, error)
    }
  }

  get awaits(): string | undefined {
    for (const { awaits } of this.#servers.values()) if (awaits !== undefined) return awaits
    return undefined
  }

  carry(command: PendingCommand): void {
    const topology = this.#options.topology()
    if (!topology.isLoaded) return this.#afterRefresh(command)
    const server = this.#serverFor(command, topology)
    if (server instanceof ServerNode) server.carry(command)
    else this.#options.dispatcher.refuse(command, server)
  }

  together(_: unknown, write: () => void): void {
    this.#setTogether(true)
    write()
    this.#setTogether(false)
  }

  /** A frozen server does not say that another one serves its slots now. */
  onSilence(): void {
    this.#options
      .topology()
      .refresh()
      .catch(() => {})
  }

  /** A server that was frozen does not know that it has been replaced. */
  readonly confirm = (): Promise<void> => {
    const asked = [...this.#servers].filter(([, server]) => server.isReady).map(([node]) => node)
    return this.#options.topology().confirm(new Set(asked))
  }

  async close(limit: number): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#servers.values()].map((server) => server.close(limit)))
  }

  /** The connection to a server, which opens at its first use. */
  server(endpoint: Endpoint): ServerNode {
    const node = nodeName(endpoint)
    const known = this.#servers.get(node)
    if (known !== undefined) return known
    const { connections, dispatcher, onReady, random, settings, state: own, states } = this.#options
    const server: ServerNode = new ServerNode({
      settings: settings.connection,
      address: endpoint,
      configured: settings.nodes[0],
      greeting: {
        staleReads: settings.readFrom !== "primary",
        also: () => this.#options.topology().membershipOf(endpoint)
      },
      random,
      detours: this.#detours,
      refuse: dispatcher.refuse,
      // The others know who takes its place.
      onLost: () => {
        own?.onLost?.()
        this.onSilence()
      },
      onState: (state) => {
        if (this.#servers.get(node) !== server) return
        states?.report(node, state)
        if (state._tag === "Ready") onReady?.(node)
        if (state._tag === "Closed" && !this.#isClosed) this.#forget(node)
      },
      isBusy: own?.isBusy,
      connections
    })
    server.together = this.#together
    this.#servers.set(node, server)
    if (this.#isClosed) server.link.refuse()
    return server
  }

  /** Closes the connections to servers that serve no more. */
  dropUnknown(): void {
    const { topology } = this.#options
    for (const [node, server] of this.#servers) {
      if (topology().needs(node)) continue
      this.#forget(node)
      void server.drain()
    }
  }

  #forget(node: string): void {
    this.#servers.delete(node)
    this.#options.states?.forget(node)
  }

  #serverFor(command: PendingCommand, topology: ClusterTopology): ServerNode | CommandError {
    const { name, routing, row } = command
    if (this.#pinned !== undefined) return this.#pinnedServer(command)
    if (routing?.server !== undefined) {
      const endpoint = topology.endpointOf(routing.server)
      return endpoint === undefined ? gone(name, routing.server) : this.server(endpoint)
    }
    const slot = routing?.slot ?? slotOfCommand(row, command.args)
    if (slot === "several") return acrossSlots(name, "cluster")
    const shard = slot === "none" ? undefined : topology.shardOf(slot)
    if (slot === "none" && row.leaves === "pins") return withoutKey(name, "cluster")
    const server = shard === undefined ? this.#anyPrimary(topology) : this.#ofShard(command, shard, topology)
    if (server instanceof ServerNode && row.leaves === "pins") this.#pinned = { server, by: command }
    return server
  }

  #ofShard(
    command: PendingCommand,
    { primary, replicas }: { readonly primary: string; readonly replicas: ReadonlyArray<string> },
    topology: ClusterTopology
  ): ServerNode | CommandError {
    const { random, settings } = this.#options
    if (settings.readFrom !== "primary" && command.routing?.primary !== true && command.row.readsAnyCopy) {
      const servers = replicas.flatMap((node) => {
        const endpoint = topology.endpointOf(node)
        return endpoint === undefined ? [] : [this.server(endpoint)]
      })
      const replica = pickReplica(servers, this.#progress.get(command)?.tried, random)
      if (replica !== undefined) return replica
      if (settings.readFrom === "replica") return noReplica(command.name)
    }
    const known = this.#servers.get(primary)
    if (known !== undefined) return known
    const endpoint = topology.endpointOf(primary)
    return endpoint === undefined ? gone(command.name, primary) : this.server(endpoint)
  }

  #anyPrimary(topology: ClusterTopology): ServerNode | CommandError {
    const { primaries } = topology
    const servers = primaries.flatMap((node) => {
      const endpoint = topology.endpointOf(node)
      return endpoint === undefined ? [] : [this.server(endpoint)]
    })
    const up = servers.filter(({ link }) => !link.isDown)
    const choice = up.length > 0 ? up : servers
    return choice[Math.floor(this.#options.random() * choice.length)] ?? gone("", "")
  }

  #pinnedServer({ row }: PendingCommand): ServerNode {
    const { server } = this.#pinned!
    if (row.leaves === "unpins") this.#pinned = undefined
    return server
  }

  #setTogether(together: boolean): void {
    this.#together = together
    for (const server of this.#servers.values()) server.together = together
  }

  #afterRefresh(command: PendingCommand): void {
    this.#options
      .topology()
      .refresh()
      .then(
        () => command.settled || this.carry(command),
        (error: unknown) =>
          this.#options.dispatcher.refuse(command, notConnected({ operation: command.name, lastError: causeOf(error) }))
      )
  }

  /** Not sent. Where the cluster has put another server into its place, that one is asked; `orAgain`: or the same once more. */
  #onUnreachable(command: PendingCommand, from: ServerNode, error: CommandError, orAgain = false): boolean {
    if (this.#isBound(command)) return false
    // Whoever names a server of another cluster twice does not know better soon.
    if (isOther(error) && this.#progress.get(command)?.tried?.has(from) === true) return false
    const progress = this.#progressOf(command, from)
    if (++progress.detours > maxDetours) return false
    if (orAgain) progress.tried?.delete(from)
    const topology = this.#options.topology()
    const again = () =>
      this.#again(command, () => {
        const server = this.#serverFor(command, topology)
        if (server === from && !orAgain) this.#options.dispatcher.refuse(command, command.reasonFor(error))
        else if (server instanceof ServerNode) server.carry(command)
        else this.#options.dispatcher.refuse(command, server)
      })
    // Where nobody answers in time, this is the reason, and not that time is over.
    command.rewound(error)
    topology.refresh().then(again, again)
    return true
  }

  #onRejected(command: PendingCommand, from: ServerNode, error: Error): boolean {
    if (mayOutliveConnection(command, error)) {
      // Dedicated connections have a state, which the next one has not.
      if (this.#pinned !== undefined || this.#options.state !== undefined || this.#isClosed) return false
      const failure = from.toError(command, error)
      const again = command.again(failure)
      if (command.routing?.server === undefined) return this.#onUnreachable(command, from, failure, again)
      if (again) this.carry(command)
      return again
    }
    if (!isReplyError(error)) return false
    const refusal = error.message.startsWith("EXECABORT") ? command.routing?.refusal?.() : error
    if (refusal === undefined) return false
    if (isRedirect(refusal)) return this.#onRedirect(command, from, refusal)
    if (isDemoted(refusal)) return this.#onDemoted(command, from, refusal)
    return !this.#isBound(command) && this.#onUnfit(command, from, refusal)
  }

  /** No other server may carry it. */
  #isBound(command: PendingCommand): boolean {
    return this.#pinned !== undefined || command.routing?.server !== undefined || this.#isClosed
  }

  /** Another server has the slot. What the one asked refused was not executed. */
  #onRedirect(command: PendingCommand, from: ServerNode, { message }: Error): boolean {
    // What it was to begin there has not begun.
    if (this.#pinned?.by === command) this.#pinned = undefined
    const unsettled = slotMoving(command.name, from.node)
    command.rewound(unsettled)
    const { dispatcher, natMap, nodes } = { ...this.#options, ...this.#options.settings }
    const topology = this.#options.topology()
    const redirect = parseRedirect(message, topology.endpointOf(from.node ?? "") ?? nodes[0]!, natMap)
    const progress = this.#progressOf(command, from)
    if (redirect === undefined || this.#isBound(command) || ++progress.redirects > maxRedirects) {
      dispatcher.refuse(command, unsettled)
    } else if (progress.redirects > promptRedirects) {
      // Servers that name one another will know better soon.
      this.#afterPause(command, redirectPause)
    } else {
      if (redirect.kind === "MOVED") topology.moved(redirect.slot, redirect.endpoint)
      this.#again(command, () => {
        if (redirect.kind === "MOVED") this.carry(command)
        else this.server(redirect.endpoint).carry(command, true)
      })
    }
    return true
  }

  /** What has no key is refused by a server that is no primary any more, and not sent on by it: its successor carries it. */
  #onDemoted(command: PendingCommand, from: ServerNode, error: Error): boolean {
    const topology = this.#options.topology()
    if (mayRunScript(command.row)) {
      // It may say so itself, after it has written.
      topology.refresh().catch(() => {})
      return false
    }
    const progress = this.#progressOf(command, from)
    if (this.#pinned !== undefined || this.#isClosed || ++progress.redirects > maxRedirects) return false
    command.rewound(from.toError(command, error))
    const carry = () => {
      const successor = topology.successorOf(from.node ?? "")
      if (command.routing?.server === undefined || successor === undefined) this.carry(command)
      else this.server(successor).carry(command)
    }
    const again = () => this.#again(command, carry)
    // Whoever is asked first may not have heard of the promotion.
    if (progress.redirects > 1) this.#afterPause(command, redirectPause, carry)
    else topology.refresh().then(again, again)
    return true
  }

  /** The server cannot execute it for the moment, and did not. */
  #onUnfit(command: PendingCommand, from: ServerNode, error: Error): boolean {
    const refusal = error.message
    const isUnfit = /^(?:LOADING|MASTERDOWN)/.test(refusal) && command.row.reads
    if (!isUnfit && !/^(?:TRYAGAIN|CLUSTERDOWN)/.test(refusal)) return false
    // Each of its keys can be asked for alone.
    if (refusal.startsWith("TRYAGAIN") && command.row.spread?.over === "keys") return false
    const delay = patience[this.#progressOf(command, from).waits++]
    if (delay === undefined) return false
    command.rewound(from.toError(command, error))
    this.#afterPause(command, delay)
    return true
  }

  #afterPause(command: PendingCommand, millis: number, carry = () => this.carry(command)): void {
    const again = () => this.#again(command, carry)
    const timer = new Timer(millis, () => {
      command.resumed()
      this.#options.topology().refresh().then(again, again)
    })
    command.parked(() => timer.cancel())
  }

  /** Sends what was refused once more, unless nobody waits for it or it is no longer to be done. */
  #again(command: PendingCommand, carry: () => void): void {
    if (command.settled) return
    const { refusal, routing } = command
    if (refusal !== undefined && routing?.resendIf?.() === false) this.#options.dispatcher.refuse(command, refusal)
    else carry()
  }

  #progressOf(command: PendingCommand, from: ServerNode): Progress {
    const progress = this.#progress.get(command) ?? { detours: 0, redirects: 0, waits: 0, tried: undefined }
    progress.tried = (progress.tried ?? new Set()).add(from)
    this.#progress.set(command, progress)
    return progress
  }
}

const isRedirect = ({ message }: Error): boolean => /^(?:MOVED|ASK) /.test(message)

const isOther = (error: CommandError): boolean => error._tag === "CacheConnectionError" && error.code === otherServer

const slotMoving = (operation: string, node: string | undefined): CacheConnectionError =>
  new CacheConnectionError({
    operation,
    phase: "connect",
    code: "SLOT_MOVING",
    node,
    mayHaveExecuted: false,
    cause: { name: "Error", message: "the slot is being moved to another server, or has been" }
  })

const gone = (operation: string, node: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "connect", code: "NO_NODES", node, mayHaveExecuted: false })

const noReplica = (operation: string): CacheConnectionError =>
  notConnected({
    operation,
    lastError: { name: "Error", message: "no replica answers", code: "NO_REPLICA" }
  })
