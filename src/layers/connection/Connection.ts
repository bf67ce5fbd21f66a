/** Commands on one multiplexed connection: written together, bounded in number and time, each settled once. */
import type { Redis } from "iovalkey"
import { type CacheError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { Deadlines } from "./Deadlines.ts"
import { fromRejection } from "./errors.ts"
import { Link, type Waiter } from "./Link.ts"
import { type Carrier, type PendingCommand, protocolError, type WireCommand } from "./PendingCommand.ts"

export class Connection implements Carrier {
  readonly link: Link
  readonly #settings: ConnectionSettings
  readonly #deadlines: Deadlines
  readonly #queueDeadlines: Deadlines
  readonly #queued = new Set<PendingCommand>()
  #inFlight = 0
  #onWire = 0
  #admitting = false
  #corked: Redis["stream"] | undefined
  #onDrained: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(settings: ConnectionSettings, random: () => number, onLost?: () => void) {
    this.#settings = settings
    this.#deadlines = new Deadlines(settings.commandTimeout)
    this.#queueDeadlines = new Deadlines(settings.queueTimeout)
    this.link = new Link({ settings, random, onLost, repliesDue: () => this.#onWire > 0 })
  }

  /** Sends the command now, or as soon as there is a slot and the first connection. Settles it within `timeout` milliseconds. */
  send(command: PendingCommand, timeout = this.#settings.commandTimeout): void {
    if (this.link.isClosed) return command.fail(this.link.closedError(command.operation))
    const { maxInFlight, queueTimeout } = this.#settings
    this.#startDeadline(command, timeout)
    if (this.#inFlight < maxInFlight && this.#queued.size === 0) return this.#admit(command)
    this.#queued.add(command)
    if (queueTimeout < timeout) {
      command.queueDeadline = this.#queueDeadlines.add(() => this.#expire(command, queueTimeout))
    }
  }

  /** Gives the command up: nobody waits for its reply any more. */
  abandon(command: PendingCommand): void {
    command.settled = true
    this.#giveUp(command)
  }

  /** Settles what is in flight within `closeTimeout`, then closes the socket. Every call waits for the same end. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  leftWire(command: PendingCommand): void {
    this.#onWire--
    this.#stopDeadlines(command)
    this.#releaseSlot(command)
    if (this.#onWire === 0) this.#onDrained?.()
  }

  toError({ operation }: PendingCommand, error: unknown): CacheError {
    return fromRejection(error, this.link.circumstances(operation)) ?? protocolError(operation, this.link.node)
  }

  async #close(): Promise<void> {
    this.link.refuse()
    for (const command of this.#queued) {
      this.#giveUp(command)
      command.fail(this.link.closedError(command.operation))
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
    this.#queueDeadlines.close()
  }

  // A slot is held from admission until the command leaves the wire, not until its caller stops waiting:
  // that bounds what piles up in front of a frozen server.

  #admit(command: PendingCommand): void {
    this.#inFlight++
    command.holdsSlot = true
    const client = this.link.readyClient
    if (client !== undefined) return this.#write(client, command)
    const waiter: Waiter = {
      operation: command.operation,
      ready: (client) => this.#write(client, command),
      fail: (error) => {
        this.#giveUp(command)
        command.fail(error)
      }
    }
    command.waiter = waiter
    this.link.whenReady(waiter)
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
      this.#stopQueueDeadline(next)
      this.#admit(next)
    }
    this.#admitting = false
  }

  #write(client: WritableClient, command: PendingCommand): void {
    if (this.#corked === undefined) {
      // Everything that this turn of the event loop sends goes out in one write.
      this.#corked = client.stream
      client.stream.cork()
      process.nextTick(this.#uncork)
    }
    for (const first of command.prelude) this.#writeOne(client, first)
    this.#writeOne(client, command)
  }

  #writeOne(client: WritableClient, command: PendingCommand): void {
    command.carrier = this
    command.written = true
    this.#onWire++
    client.sendCommand(command)
  }

  readonly #uncork = (): void => {
    const stream = this.#corked
    this.#corked = undefined
    stream?.uncork()
  }

  #startDeadline(command: PendingCommand, timeout: number): void {
    const expire = () => this.#expire(command, timeout)
    if (timeout === this.#settings.commandTimeout) command.deadline = this.#deadlines.add(expire)
    // As in `Deadlines`: replies that have arrived are read before an immediate runs.
    else if (timeout !== Infinity) command.timer = setTimeout(() => setImmediate(expire), timeout)
  }

  #stopDeadlines(command: PendingCommand): void {
    if (command.deadline !== undefined) this.#deadlines.remove(command.deadline)
    if (command.timer !== undefined) clearTimeout(command.timer)
    this.#stopQueueDeadline(command)
  }

  #stopQueueDeadline(command: PendingCommand): void {
    if (command.queueDeadline !== undefined) this.#queueDeadlines.remove(command.queueDeadline)
  }

  #expire(command: PendingCommand, timeout: number): void {
    if (command.settled) return
    const { operation, written } = command
    const phase = written ? "command" : this.#queued.has(command) ? "queue" : "connect"
    this.#giveUp(command)
    command.fail(
      new CacheTimeoutError({ operation, phase, timeout, node: this.link.node, mayHaveExecuted: written })
    )
  }

  #giveUp(command: PendingCommand): void {
    this.#stopDeadlines(command)
    this.#queued.delete(command)
    if (command.waiter !== undefined) this.link.stopWaiting(command.waiter)
    if (!command.written) this.#releaseSlot(command)
  }
}

/** What is needed of iovalkey to write. */
interface WritableClient {
  readonly stream: Redis["stream"]
  sendCommand(command: WireCommand): unknown
}
