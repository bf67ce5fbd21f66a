/** One server as a carrier of commands: its connection, and what goes over it in one write. */
import type { Redis } from "iovalkey"
import type { CacheError } from "../../schema/CacheError.ts"
import { protocolError } from "../../schema/failures.ts"
import { rowOf } from "../commands/commandTable.ts"
import { fromRejection } from "./errors.ts"
import { Link, type LinkOptions } from "./Link.ts"
import { CallbackCommand, type Carrier, type PendingCommand, readText } from "./PendingCommand.ts"
import { type TurnWriter, writerOf } from "./TurnWriter.ts"

/** What a topology of several servers does about a command that one of them could not execute. */
export interface Detours {
  /** There is no connection, so that nothing was sent. Whether the command goes on elsewhere. */
  readonly unreachable: (command: PendingCommand, from: ServerNode, error: CacheError) => boolean
  /** The server refused, or the connection was lost meanwhile. Whether the command goes on elsewhere. */
  readonly rejected: (command: PendingCommand, from: ServerNode, error: Error) => boolean
}

export interface ServerNodeOptions extends Pick<
  LinkOptions,
  "settings" | "address" | "greeting" | "random" | "onLost" | "onState" | "connections"
> {
  readonly detours?: Detours | undefined
  readonly refuse: (command: PendingCommand, error: CacheError) => void
}

export class ServerNode implements Carrier {
  readonly link: Link
  readonly #options: ServerNodeOptions
  #onWire = 0
  #together = false
  #writer: TurnWriter | undefined
  #onDrained: (() => void) | undefined

  constructor(options: ServerNodeOptions) {
    this.#options = options
    this.link = new Link({ ...options, repliesDue: () => this.#onWire > 0 })
  }

  get node(): string | undefined {
    return this.link.node
  }

  get isReady(): boolean {
    return this.link.readyClient !== undefined
  }

  /** While true, what is written goes out in one write. */
  set together(together: boolean) {
    this.#together = together
    if (this.#writer !== undefined) this.#writer.together = together
  }

  /** Writes the command, as soon as there is a connection. `asking`: of a slot that is being moved here. */
  carry(command: PendingCommand, asking = false): void {
    command.carrier = this
    const client = this.link.readyClient
    if (client !== undefined) return this.#write(client, command, asking)
    const waiter = {
      operation: command.name,
      ready: (client: Redis) => {
        command.stopWaiting = undefined
        this.#write(client, command, asking)
      },
      fail: (error: CacheError) => {
        command.stopWaiting = undefined
        if (this.#options.detours?.unreachable(command, this, error) !== true) this.#options.refuse(command, error)
      }
    }
    command.stopWaiting = () => this.link.stopWaiting(waiter)
    this.link.whenReady(waiter)
  }

  leftWire(): void {
    if (--this.#onWire === 0) this.#onDrained?.()
  }

  toError({ name }: PendingCommand, error: unknown): CacheError {
    return fromRejection(error, this.link.circumstances(name)) ?? protocolError(name, this.node)
  }

  redirect(command: PendingCommand, error: Error): boolean {
    return this.#options.detours?.rejected(command, this, error) === true
  }

  /** Waits for the replies that are due, at most so many milliseconds, then closes the socket. */
  async close(limit: number): Promise<void> {
    this.link.refuse()
    if (this.#onWire > 0) {
      const drained = new Promise<void>((resolve) => (this.#onDrained = resolve))
      let timer: NodeJS.Timeout | undefined
      const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, limit)))
      await Promise.race([drained, timeout])
      clearTimeout(timer)
    }
    // What is still on the wire is rejected when the socket closes.
    await this.link.end()
  }

  #write(client: Redis, command: PendingCommand, asking: boolean): void {
    let writer = this.#writer
    if (writer?.destination.redis !== client) {
      writer = this.#writer = writerOf(client)
      writer.together = this.#together
    }
    if (command.prelude === undefined && !asking) return this.#writeOne(command, writer)
    writer.together = true
    if (asking) this.#writeOne(askingCommand(), writer)
    for (const first of command.prelude ?? []) this.#writeOne(first, writer)
    writer.together = this.#together
    this.#writeOne(command, writer)
  }

  #writeOne(command: PendingCommand, writer: TurnWriter): void {
    command.carrier = this
    command.written = true
    this.#onWire++
    writer.send(command)
  }
}

/** Nobody waits for its reply: what it is for fails without it. */
const askingCommand = (): PendingCommand =>
  new CallbackCommand(
    rowOf("ASKING", []),
    "ASKING",
    [],
    readText,
    () => {},
    () => {}
  )
