/** Commands on one multiplexed connection: written together, bounded in number and time, each settled once. */
import type { Redis } from "iovalkey"
import { type CacheError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { protocolError } from "../../schema/failures.ts"
import { Deadlines } from "./Deadlines.ts"
import { fromRejection } from "./errors.ts"
import { Link } from "./Link.ts"
import type { Carrier, PendingCommand, WireCommand } from "./PendingCommand.ts"
import { TurnWriter } from "./TurnWriter.ts"

export class Connection implements Carrier {
  readonly link: Link
  readonly #settings: ConnectionSettings
  readonly #deadlines: Deadlines<PendingCommand>
  /** Wait for a slot, oldest first. */
  readonly #queued = new Set<PendingCommand>()
  #inFlight = 0
  #onWire = 0
  #admitting = false
  #writer: TurnWriter | undefined
  #together = false
  #onDrained: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(settings: ConnectionSettings, random: () => number) {
    this.#settings = settings
    this.#deadlines = new Deadlines(settings.commandTimeout)
    this.link = new Link({ settings, random, repliesDue: () => this.#onWire > 0 })
  }

  /** Sends the command now, or as soon as there is a slot and the first connection. Settles it within `timeout` milliseconds. */
  send(command: PendingCommand, timeout = this.#settings.commandTimeout): void {
    if (this.link.isClosed) return command.fail(this.link.closedError(command.name))
    command.carrier = this
    command.timeout = timeout
    if (this.#inFlight >= this.#settings.maxInFlight || this.#queued.size > 0) return this.#enqueue(command)
    this.#startDeadline(command)
    this.#admit(command)
  }

  /** Sends all of them in one write, as far as there are slots. */
  sendTogether(commands: ReadonlyArray<PendingCommand>): void {
    this.#together = true
    if (this.#writer !== undefined) this.#writer.together = true
    for (const command of commands) this.send(command)
    this.#together = false
    if (this.#writer !== undefined) this.#writer.together = false
  }

  /** Gives the command up: nobody waits for its reply any more. */
  abandon(command: PendingCommand): void {
    command.settled = true
    this.#letGo(command)
  }

  /** Settles what is in flight within `closeTimeout`, then closes the socket. Every call waits for the same end. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  leftWire(command: PendingCommand): void {
    this.#onWire--
    this.#stopDeadline(command)
    this.#releaseSlot(command)
    if (this.#onWire === 0) this.#onDrained?.()
  }

  toError({ name }: PendingCommand, error: unknown): CacheError {
    return fromRejection(error, this.link.circumstances(name)) ?? protocolError(name, this.link.node)
  }

  expired(command: PendingCommand): void {
    const { name, timeout, written } = command
    const phase = written ? "command" : command.holdsSlot ? "connect" : "queue"
    command.fail(
      new CacheTimeoutError({ operation: name, phase, timeout, node: this.link.node, mayHaveExecuted: written })
    )
    this.#letGo(command)
  }

  async #close(): Promise<void> {
    this.link.refuse()
    for (const command of this.#queued) {
      command.fail(this.link.closedError(command.name))
      this.#letGo(command)
    }
    if (this.#onWire > 0) {
      const drained = new Promise<void>((resolve) => (this.#onDrained = resolve))
      let timer: NodeJS.Timeout | undefined
      const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#settings.closeTimeout)))
      await Promise.race([drained, timeout])
      clearTimeout(timer)
    }
    // What is still on the wire is rejected when the socket closes.
    await this.link.end()
    this.#deadlines.close()
  }

  // A slot is held from admission until the command leaves the wire, not until its caller stops waiting:
  // that bounds what piles up in front of a frozen server.

  #enqueue(command: PendingCommand): void {
    const { queueTimeout } = this.#settings
    const wait = Math.min(queueTimeout, command.timeout)
    const queuedAt = performance.now()
    const remaining = command.timeout
    command.timeout = wait
    this.#startTimer(command, wait)
    this.#queued.add(command)
    command.admit = () => {
      this.#stopDeadline(command)
      command.timeout = remaining
      this.#startTimer(command, Math.max(1, remaining - (performance.now() - queuedAt)))
      this.#admit(command)
    }
  }

  #admit(command: PendingCommand): void {
    this.#inFlight++
    command.holdsSlot = true
    const client = this.link.readyClient
    if (client !== undefined) return this.#write(client, command)
    command.waiter = {
      operation: command.name,
      ready: (client) => this.#write(client, command),
      fail: (error) => {
        command.fail(error)
        this.#letGo(command)
      }
    }
    this.link.whenReady(command.waiter)
  }

  #releaseSlot(command: PendingCommand): void {
    if (!command.holdsSlot) return
    command.holdsSlot = false
    this.#inFlight--
    // Admitting may fail a command at once, which releases its slot in turn.
    if (this.#admitting || this.#queued.size === 0) return
    this.#admitting = true
    for (const next of this.#queued) {
      if (this.#inFlight >= this.#settings.maxInFlight) break
      this.#queued.delete(next)
      next.admit?.()
    }
    this.#admitting = false
  }

  #write(client: Redis, command: PendingCommand): void {
    let writer = this.#writer
    if (writer?.destination.redis !== client) {
      writer = this.#writer = new TurnWriter(client)
      writer.together = this.#together
    }
    if (command.prelude === undefined) return this.#writeOne(client, command, writer)
    writer.together = true
    for (const first of command.prelude) this.#writeOne(client, first, writer)
    writer.together = this.#together
    this.#writeOne(client, command, writer)
  }

  #writeOne(client: WritableClient, command: PendingCommand, writer: TurnWriter): void {
    command.carrier = this
    command.written = true
    this.#onWire++
    client.sendCommand(command, writer)
  }

  #startDeadline(command: PendingCommand): void {
    if (command.timeout === this.#settings.commandTimeout) this.#deadlines.add(command)
    else this.#startTimer(command, command.timeout)
  }

  #startTimer(command: PendingCommand, millis: number): void {
    // As in `Deadlines`: replies that have arrived are read before an immediate runs.
    if (millis === Infinity) return
    const timer = setTimeout(() => {
      // Unless it was given another time meanwhile.
      setImmediate(() => command.timer === timer && command.expire())
    }, millis)
    command.timer = timer
  }

  #stopDeadline(command: PendingCommand): void {
    if (command.timer === undefined) this.#deadlines.dropSettled()
    else clearTimeout(command.timer)
  }

  #letGo(command: PendingCommand): void {
    this.#stopDeadline(command)
    this.#queued.delete(command)
    if (command.waiter !== undefined) this.link.stopWaiting(command.waiter)
    if (!command.written) this.#releaseSlot(command)
  }
}

/** What is needed of iovalkey to write. */
interface WritableClient {
  sendCommand(command: WireCommand, stream: TurnWriter): unknown
}
