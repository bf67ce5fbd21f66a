/** Writes go to the primary, reads to a replica chosen at random; to the next one where that cannot answer. */
import type { CacheError } from "../../schema/CacheError.ts"
import type { ReadFrom } from "../../schema/ReadFrom.ts"
import type { Dispatcher, Route } from "./Dispatcher.ts"
import { NoConnection } from "./ConnectionFailure.ts"
import { causeOf, isDemoted, isLoss, isReplyError, notConnected } from "./errors.ts"
import type { PendingCommand } from "./PendingCommand.ts"
import type { Detours, ServerNode } from "./ServerNode.ts"

export interface ReplicaRouteOptions {
  readonly dispatcher: Dispatcher
  readonly random: () => number
  readonly readFrom: ReadFrom
  readonly primary: (detours: Detours) => ServerNode
  /** Known at once, or asked for. */
  readonly replicas: (detours: Detours) => ReadonlyArray<ServerNode> | Promise<ReadonlyArray<ServerNode>>
  readonly onSilence?: Route["onSilence"]
  /** The primary takes no writes, and is being left. */
  readonly onDemoted: (server: ServerNode) => void
  readonly close: (limit: number) => Promise<unknown>
}

/** A primary is left once in this time, in milliseconds: who writes to a replica on purpose makes no storm. */
const demotionInterval = 2000

export const replicaRoute = (options: ReplicaRouteOptions) => {
  const { dispatcher, random, readFrom } = options
  /** Which servers have failed a read. */
  const tried = new WeakMap<PendingCommand, Set<ServerNode>>()

  const read = (command: PendingCommand, replicas: ReadonlyArray<ServerNode>): void => {
    if (command.settled) return
    const replica = pickReplica(replicas, tried.get(command), random)
    if (replica !== undefined) return replica.carry(command)
    if (readFrom === "preferReplica") return primary.carry(command)
    refuse(command, new NoConnection("NO_REPLICA", "no replica answers"))
  }

  const refuse = (command: PendingCommand, reason: unknown) =>
    dispatcher.refuse(command, notConnected({ operation: command.name, lastError: causeOf(reason) }))

  const isForReplica = (command: PendingCommand) =>
    readFrom !== "primary" && command.routing?.primary !== true && command.row.readsAnyCopy

  const route = (command: PendingCommand): void => {
    if (!isForReplica(command)) return primary.carry(command)
    const replicas = options.replicas(detours)
    if (!(replicas instanceof Promise)) return read(command, replicas)
    replicas.then(
      (replicas) => read(command, replicas),
      (error: unknown) => (readFrom === "preferReplica" ? read(command, []) : refuse(command, error))
    )
  }

  /** A read that a replica failed goes on to the next. */
  const elsewhere = (command: PendingCommand, from: ServerNode, error: CacheError): boolean => {
    if (from === primary || !command.row.readsAnyCopy) return false
    const failed = tried.get(command) ?? new Set()
    tried.set(command, failed.add(from))
    command.rewound(error)
    route(command)
    return true
  }

  const detours: Detours = {
    unreachable: elsewhere,
    rejected: (command, from, error) => {
      if (isDemoted(error)) demote(from)
      return (isLoss(error) || isUnfit(error)) && elsewhere(command, from, from.toError(command, error))
    }
  }
  let primary = options.primary(detours)
  let demotedAt = -Infinity

  /** Leaves a primary that is none any more. It still answers what it was asked; what comes now goes to a new connection. */
  const demote = (server: ServerNode): void => {
    if (server !== primary || performance.now() - demotedAt < demotionInterval) return
    demotedAt = performance.now()
    primary = options.primary(detours)
    primary.link.open()
    void server.drain()
    options.onDemoted(server)
  }

  return {
    get primary() {
      return primary
    },
    detours,
    link: undefined,
    get node() {
      return primary.node
    },
    carry: route,
    together: (commands, write) => {
      // What a batch writes it also reads.
      if (commands.some((command) => !isForReplica(command))) {
        for (const command of commands) command.needsPrimary()
      }
      const replicas = readFrom === "primary" ? [] : options.replicas(detours)
      const servers = [primary, ...(Array.isArray(replicas) ? replicas : [])]
      for (const server of servers) server.together = true
      write()
      for (const server of servers) server.together = false
    },
    onSilence: options.onSilence,
    close: async (limit) => {
      await options.close(limit)
    }
  } satisfies Route & { readonly primary: ServerNode; readonly detours: Detours }
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
