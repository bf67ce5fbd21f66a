/** One server as a carrier of commands: its connection, and what goes over it in one write. */
import type { Answerer } from "../../schema/Answers.ts"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Address } from "../../schema/ConnectionOptions.ts"
import { connectionReplaced, protocolError } from "../../schema/failures.ts"
import { NotWritten } from "./ConnectionFailure.ts"
import { fromRejection } from "./errors.ts"
import { Link, type LinkOptions } from "./Link.ts"
import type { Carrier, PendingCommand } from "./PendingCommand.ts"
import { Question } from "./Question.ts"
import type { RawReply } from "./RawReply.ts"
import type { Wire } from "./Wire.ts"
import type { WireCommand } from "./WireCommand.ts"

/** What a topology of several servers does about a command that one of them could not execute. */
export interface Detours {
  /** There is no connection, so that nothing was sent. Whether the command goes on elsewhere. */
  readonly unreachable: (command: PendingCommand, from: ServerNode, error: CommandError) => boolean
  /** The server refused, or the connection was lost meanwhile. Whether the command goes on elsewhere. */
  readonly rejected: (command: PendingCommand, from: ServerNode, error: Error) => boolean
}

export interface ServerNodeOptions extends Pick<
  LinkOptions,
  "settings" | "address" | "greeting" | "random" | "onLost" | "onState" | "isBusy" | "connections"
> {
  /** Where the settings of the program lead. */
  readonly configured: Address
  readonly detours?: Detours | undefined
  readonly refuse: (command: PendingCommand, error: CommandError) => void
}

/** How the one primary is reached. */
export type ToPrimary = Pick<
  ServerNodeOptions,
  "settings" | "address" | "configured" | "greeting" | "random" | "connections"
>

export class ServerNode implements Carrier {
  readonly link: Link
  readonly #options: ServerNodeOptions
  #together = false
  #wire: Wire | undefined
  /** The last one, which is the same for most commands. */
  #answerer: Answerer | undefined

  constructor(options: ServerNodeOptions) {
    this.#options = options
    this.link = new Link(options)
  }

  get node(): string | undefined {
    return this.link.node
  }

  get awaits(): string | undefined {
    return this.link.awaits
  }

  get answerer(): Answerer {
    const { configured, settings } = this.#options
    const { wire } = this.link
    const peer = wire === undefined ? undefined : "path" in configured ? configured : wire.peer
    if (this.#answerer === undefined || this.#answerer.peer !== peer) {
      this.#answerer = { configured, database: settings.database, peer }
    }
    return this.#answerer
  }

  get isReady(): boolean {
    return this.link.wire !== undefined
  }

  /** While true, what is written goes out in one write. */
  set together(together: boolean) {
    this.#together = together
    if (this.#wire !== undefined) this.#wire.together = together
  }

  /** Writes the command, as soon as there is a connection. `asking`: of a slot that is being moved here. */
  carry(command: PendingCommand, asking = false): void {
    command.carriedBy(this)
    const { wire } = this.link
    if (wire !== undefined) return this.#write(wire, command, asking)
    const waiter = {
      operation: command.name,
      ready: (wire: Wire) => {
        command.resumed()
        this.#write(wire, command, asking)
      },
      fail: (error: CommandError) => {
        command.resumed()
        if (this.#options.detours?.unreachable(command, this, error) === true) return
        this.#options.refuse(command, command.reasonFor(error))
      }
    }
    command.parked(() => this.link.stopWaiting(waiter))
    this.link.whenReady(waiter)
  }

  /** Asks something for ourselves. Rejects where there is no connection. */
  ask(name: string): Promise<RawReply> {
    const { wire } = this.link
    return wire === undefined ? Promise.reject(new NotWritten()) : wire.ask(name)
  }

  toError({ name, row: { changes } }: PendingCommand, error: unknown): CommandError {
    return fromRejection(error, { ...this.link.circumstances(name), changes }) ?? protocolError(name, this.node)
  }

  redirect(command: PendingCommand, error: Error): boolean {
    return this.#options.detours?.rejected(command, this, error) === true
  }

  /** Waits for the replies that are due, at most so many milliseconds, then closes the socket. */
  close(limit: number): Promise<void> {
    return this.link.close(limit)
  }

  /** Closes a server that is needed no more, with a second for the replies that it owes. */
  drain(): Promise<void> {
    return this.close(1000)
  }

  #write(wire: Wire, command: PendingCommand, asking: boolean): void {
    if (wire !== this.#wire) {
      this.#wire = wire
      wire.together = this.#together
    }
    if (command.routing?.sendIf?.(wire) === false) {
      return this.#options.refuse(command, connectionReplaced(command.name, this.node))
    }
    command.wrote(wire)
    if (command.prelude === undefined && (!asking || command.asks())) return wire.write(command)
    const [first = command] = command.prelude ?? []
    // Nobody waits for its reply: what it is for fails without it. It concerns one command, or a whole transaction.
    const ask = (next: WireCommand) => {
      if (asking && (next === first || first.name !== "MULTI")) wire.write(new Question("ASKING", [], command.timeout))
    }
    wire.together = true
    for (const next of command.prelude ?? []) {
      ask(next)
      wire.write(next)
    }
    ask(command)
    wire.together = this.#together
    wire.write(command)
  }
}
