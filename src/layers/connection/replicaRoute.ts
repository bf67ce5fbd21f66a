/** Writes go to the primary, reads to a replica chosen at random; to the next one where that cannot answer. */
import type { CommandError } from "../../schema/CacheError.ts"
import type { ReadFrom } from "../../schema/ReadFrom.ts"
import type { Dispatcher, Route } from "./Dispatcher.ts"
import { NoConnection } from "./ConnectionFailure.ts"
import { causeOf, isLoss, isReplyError, notConnected } from "./errors.ts"
import type { LinkState } from "./Link.ts"
import { mayOutliveConnection, type PendingCommand } from "./PendingCommand.ts"
import { Primary, type PrimaryOptions } from "./Primary.ts"
import { type Detours, ServerNode, type ToPrimary } from "./ServerNode.ts"

export interface ReplicaRouteOptions {
  readonly dispatcher: Dispatcher
  readonly random: () => number
  readonly readFrom: ReadFrom
  /** How the primary is reached. */
  readonly primary: ToPrimary
  /** How the connection to it is. One that was left says nothing any more. */
  readonly onState: (state: LinkState) => void
  /** Known at once, or asked for. */
  readonly replicas: (detours: Detours) => ReadonlyArray<ServerNode> | Promise<ReadonlyArray<ServerNode>>
  readonly onSilence?: Route["onSilence"]
  readonly onDemoted: PrimaryOptions["onDemoted"]
  readonly close: (limit: number) => Promise<unknown>
}

export const replicaRoute = (options: ReplicaRouteOptions) => {
  const { dispatcher, random, readFrom } = options
  /** Which servers have failed a read. */
  const tried = new WeakMap<PendingCommand, Set<ServerNode>>()

  const read = (command: PendingCommand, replicas: ReadonlyArray<ServerNode>): void => {
    if (command.settled) return
    const replica = pickReplica(replicas, tried.get(command), random)
    if (replica !== undefined) return replica.carry(command)
    if (readFrom === "preferReplica") return primary.server.carry(command)
    refuse(command, new NoConnection("NO_REPLICA", "no replica answers"))
  }

  const refuse = (command: PendingCommand, reason: unknown) =>
    dispatcher.refuse(command, notConnected({ operation: command.name, lastError: causeOf(reason) }))

  const isForReplica = (command: PendingCommand) =>
    readFrom !== "primary" && command.routing?.primary !== true && command.row.readsAnyCopy

  const route = (command: PendingCommand): void => {
    if (!isForReplica(command)) return primary.server.carry(command)
    const replicas = options.replicas(detours)
    if (!(replicas instanceof Promise)) return read(command, replicas)
    replicas.then(
      (replicas) => read(command, replicas),
      (error: unknown) => (readFrom === "preferReplica" ? read(command, []) : refuse(command, error))
    )
  }

  /** A read that a replica failed goes on to the next. */
  const elsewhere = (command: PendingCommand, from: ServerNode, error: CommandError): boolean => {
    if (from === primary.server || !command.row.readsAnyCopy) return false
    const failed = tried.get(command) ?? new Set()
    tried.set(command, failed.add(from))
    command.rewound(error)
    route(command)
    return true
  }

  const detours: Detours = {
    unreachable: (command, from, error) => {
      if (!primary.hasLeft(from)) return elsewhere(command, from, error)
      route(command)
      return true
    },
    rejected: (command, from, error) => {
      if (primary.rejected(command, from, error)) return true
      if (mayOutliveConnection(command, error) && command.again(from.toError(command, error))) {
        route(command)
        return true
      }
      return (isLoss(error) || isUnfit(error)) && elsewhere(command, from, from.toError(command, error))
    }
  }
  const openPrimary = (): ServerNode => {
    const server: ServerNode = new ServerNode({
      ...options.primary,
      detours,
      refuse: dispatcher.refuse,
      onState: (state) => {
        if (server === primary.server) options.onState(state)
      }
    })
    return server
  }
  const primary = new Primary({
    open: openPrimary,
    refuse: dispatcher.refuse,
    onDemoted: options.onDemoted
  })

  return {
    primary,
    detours,
    link: undefined,
    get node() {
      return primary.server.node
    },
    carry: route,
    together: (commands, write) => {
      const replicas = readFrom === "primary" ? [] : options.replicas(detours)
      // What a batch writes it also reads.
      if (readFrom !== "primary" && commands.some((command) => !isForReplica(command))) {
        for (const command of commands) command.needsPrimary()
      }
      const servers = [primary.server, ...(Array.isArray(replicas) ? replicas : [])]
      for (const server of servers) server.together = true
      write()
      for (const server of servers) server.together = false
    },
    onSilence: options.onSilence,
    close: async (limit) => {
      await options.close(limit)
    }
  } satisfies Route & { readonly primary: Primary; readonly detours: Detours }
}

/** A replica that was not tried, and one that is connected where there is one. */
export const pickReplica = (
  replicas: ReadonlyArray<ServerNode>,
  tried: ReadonlySet<ServerNode> | undefined,
  random: () => number
): ServerNode | undefined => {
  const candidates = tried === undefined ? replicas : replicas.filter((replica) => !tried.has(replica))
  const chosen = oneOf(candidates, random)
  if (chosen === undefined || chosen.isReady) return chosen
  chosen.link.open()
  return (
    oneOf(
      candidates.filter(({ isReady }) => isReady),
      random
    ) ?? chosen
  )
}

const oneOf = <A>(all: ReadonlyArray<A>, random: () => number): A | undefined => all[Math.floor(random() * all.length)]

/** A copy that has no data yet, or none that it trusts. */
const isUnfit = (error: Error): boolean => isReplyError(error) && /^(?:LOADING|MASTERDOWN)/.test(error.message)
