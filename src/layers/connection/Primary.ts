/**
 * The server that takes writes. One that takes none any more is left: it still answers what it was asked, and what comes
 * now goes over a new connection, to whoever is found there.
 */
import type { CommandError } from "../../schema/CacheError.ts"
import { mayRunScript } from "../commands/commandTable.ts"
import { isDemoted } from "./errors.ts"
import type { PendingCommand } from "./PendingCommand.ts"
import type { ServerNode } from "./ServerNode.ts"

export interface PrimaryOptions {
  readonly open: () => ServerNode
  readonly refuse: (command: PendingCommand, error: CommandError) => void
  /** The server takes no writes. Other connections to it have to be left, too. */
  readonly onDemoted: (server: ServerNode) => void
}

/** A primary is left once in this time, in milliseconds: who writes to a replica on purpose makes no storm. */
const demotionInterval = 2000

export class Primary {
  readonly #options: PrimaryOptions
  #server: ServerNode
  #leftAt = -Infinity
  readonly #left = new WeakSet<ServerNode>()
  /** Servers that are replicas, and those that were asked because a script had said READONLY. */
  readonly #asked = new WeakMap<ServerNode, { readonly at: number; readonly isReplica: Promise<boolean> }>()

  constructor(options: PrimaryOptions) {
    this.#options = options
    this.#server = options.open()
  }

  get server(): ServerNode {
    return this.#server
  }

  /** Whoever waits for a connection to it waits for the next one. */
  hasLeft(server: ServerNode): boolean {
    return this.#left.has(server)
  }

  /**
   * Leaves a server that has refused the command because it takes no writes. Whether the command goes on, over the next
   * connection. A script may say READONLY although its server is no replica, and after it has written.
   */
  rejected(command: PendingCommand, from: ServerNode, error: Error): boolean {
    const refusal = refusalOf(command, error)
    if (!isDemoted(refusal)) return false
    if (!mayRunScript(command.row)) {
      this.#leave(from)
      return this.#again(command, from, refusal)
    }
    command.rewound(from.toError(command, refusal))
    command.parked(() => {})
    void this.#isReplica(from).then((isReplica) => {
      if (command.settled) return
      command.resumed()
      if (isReplica) this.#leave(from)
      if (isReplica && this.#again(command, from, refusal)) return
      this.#options.refuse(command, from.toError(command, refusal))
    })
    return true
  }

  /** The same for a server whose connection is no part of this, and whose commands are never sent again. */
  noticed(command: PendingCommand, from: ServerNode, error: Error): void {
    if (!isDemoted(refusalOf(command, error))) return
    if (!mayRunScript(command.row)) return this.#leave(from)
    void this.#isReplica(from).then((isReplica) => isReplica && this.#leave(from))
  }

  #again(command: PendingCommand, from: ServerNode, refusal: Error): boolean {
    if (from === this.#server || !command.again(from.toError(command, refusal))) return false
    this.#server.carry(command)
    return true
  }

  #leave(server: ServerNode): void {
    const now = performance.now()
    this.#asked.set(server, { at: now, isReplica: Promise.resolve(true) })
    if (now - this.#leftAt < demotionInterval) return
    this.#leftAt = now
    const old = this.#server
    const isOurs = server.node === old.node
    if (isOurs) {
      this.#left.add(old)
      this.#server = this.#options.open()
      void old.drain()
    }
    this.#options.onDemoted(server)
    if (isOurs) this.#server.link.open()
  }

  #isReplica(server: ServerNode): Promise<boolean> {
    const now = performance.now()
    const asked = this.#asked.get(server)
    if (asked !== undefined && now - asked.at < demotionInterval) return asked.isReplica
    const isReplica = server.ask("ROLE").then(
      (reply) => Array.isArray(reply) && reply[0] === "slave",
      // Who does not say so may have executed the script.
      () => false
    )
    this.#asked.set(server, { at: now, isReplica })
    return isReplica
  }
}

/** A transaction tells what kept it from running in its own words, or has been told before. */
const refusalOf = (command: PendingCommand, error: Error): Error =>
  error.message.startsWith("EXECABORT") ? (command.routing?.refusal?.() ?? error) : error
