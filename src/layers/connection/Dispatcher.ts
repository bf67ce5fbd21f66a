/** Commands on their way to one or several servers: bounded in number and time, each settled once. */
import { type CacheError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { Deadlines } from "./Deadlines.ts"
import { closedError, type Link } from "./Link.ts"
import type { Keeper, PendingCommand } from "./PendingCommand.ts"

/** Knows which server a command belongs to. */
export interface Route {
  /** The server that errors name, where there is only one. */
  readonly node: string | undefined
  /** The connection that everything takes, where there is only one. */
  readonly link?: Link | undefined
  /** Brings the command to a server, or has the dispatcher refuse it. */
  readonly carry: (command: PendingCommand) => void
  /** Runs the function, with one write a server. */
  readonly together: (commands: ReadonlyArray<PendingCommand>, write: () => void) => void
  /** The command was given up while a server owed its reply. */
  readonly onSilence?: ((command: PendingCommand) => void) | undefined
  readonly close: (limit: number) => Promise<void>
}

export class Dispatcher<R extends Route = Route> implements Keeper {
  readonly route: R
  readonly #settings: ConnectionSettings
  readonly #deadlines: Deadlines<PendingCommand>
  /** Wait for a slot, oldest first. */
  readonly #queued = new Set<PendingCommand>()
  #inFlight = 0
  #admitting = false
  #closing: Promise<void> | undefined

  /** The route is made with this dispatcher, which refuses what cannot be carried. */
  constructor(settings: ConnectionSettings, makeRoute: (dispatcher: Dispatcher) => R) {
    this.#settings = settings
    this.#deadlines = new Deadlines(settings.commandTimeout)
    this.route = makeRoute(this)
  }

  /** Sends the command now, or as soon as there is a slot and a connection. Settles it within `timeout` milliseconds. */
  send(command: PendingCommand, timeout = this.#settings.commandTimeout): void {
    if (this.#closing !== undefined) return command.fail(closedError(command.name, this.route.node))
    command.keeper = this
    command.timeout = timeout
    if (this.#inFlight >= this.#settings.maxInFlight || this.#queued.size > 0) return this.#enqueue(command)
    this.#startDeadline(command)
    this.#admit(command)
  }

  /** Sends all of them with their own timeouts, in one write a server as far as there are slots. */
  sendTogether(commands: ReadonlyArray<PendingCommand>): void {
    this.route.together(commands, () => {
      for (const command of commands) this.send(command, command.timeout)
    })
  }

  /** Gives the command up: nobody waits for its reply any more. */
  abandon(command: PendingCommand): void {
    command.settled = true
    this.#letGo(command)
  }

  /** Fails a command that is not on the wire. */
  readonly refuse = (command: PendingCommand, error: CacheError): void => {
    command.fail(error)
    this.#letGo(command)
  }

  /** Settles what is in flight within `closeTimeout`, then closes the sockets. Every call waits for the same end. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  done(command: PendingCommand): void {
    this.#stopDeadline(command)
    this.#releaseSlot(command)
  }

  expired(command: PendingCommand): void {
    const { name, timeout, written } = command
    const phase = written ? "command" : command.holdsSlot ? "connect" : "queue"
    const node = command.carrier?.node ?? this.route.node
    const timedOut = new CacheTimeoutError({ operation: name, phase, timeout, node, mayHaveExecuted: written })
    command.fail((written ? undefined : command.refusal) ?? timedOut)
    this.#letGo(command)
    if (phase !== "queue") this.route.onSilence?.(command)
  }

  async #close(): Promise<void> {
    // Not before `#closing` is set, which refuses what comes now.
    await Promise.resolve()
    for (const command of this.#queued) this.refuse(command, closedError(command.name, this.route.node))
    await this.route.close(this.#settings.closeTimeout)
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
    this.route.carry(command)
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
    command.stopWaiting?.()
    command.stopWaiting = undefined
    if (!command.written) this.#releaseSlot(command)
  }
}
