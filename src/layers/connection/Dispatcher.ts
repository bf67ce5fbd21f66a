/** Commands on their way to one or several servers: bounded in number and time, each settled once. */
import { type CommandError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { closedError } from "../../schema/failures.ts"
import { Deadlines } from "./Deadlines.ts"
import type { Link } from "./Link.ts"
import type { Keeper, PendingCommand } from "./PendingCommand.ts"
import { Timer } from "./Timer.ts"

/** Knows which server a command belongs to. */
export interface Route {
  /** The server that errors name, where there is only one. */
  readonly node: string | undefined
  /** What a connection of one of the servers waits for, where commands wait to know which server is theirs. */
  readonly awaits?: string | undefined
  /** The connection that everything takes, where there is only one. */
  readonly link?: Link | undefined
  /** Brings the command to a server, or has the dispatcher refuse it. */
  readonly carry: (command: PendingCommand) => void
  /** Runs the function, with one write a server. */
  readonly together: (commands: ReadonlyArray<PendingCommand>, write: () => void) => void
  /** The command was given up while a server owed its reply. */
  readonly onSilence?: ((command: PendingCommand) => void) | undefined
  /** Asks others whether the servers that it is connected to still serve, and leaves those that do not. */
  readonly confirm?: (() => Promise<void>) | undefined
  readonly close: (limit: number) => Promise<void>
}

export class Dispatcher<R extends Route = Route> implements Keeper {
  readonly route: R
  readonly #settings: ConnectionSettings
  readonly #deadlines: Deadlines<PendingCommand>
  /** Wait for a place in flight, oldest first, with the time since when. */
  readonly #queued = new Map<PendingCommand, number>()
  /** Of commands with another deadline than most. */
  readonly #timers = new Map<PendingCommand, Timer>()
  #inFlight = 0
  #admitting = false
  #closing: Promise<void> | undefined

  /** The route is made with this dispatcher, which refuses what cannot be carried. */
  constructor(settings: ConnectionSettings, makeRoute: (dispatcher: Dispatcher) => R) {
    this.#settings = settings
    this.#deadlines = new Deadlines(settings.commandTimeout)
    this.route = makeRoute(this)
  }

  /** Sends the command now, or as soon as there is a place in flight and a connection. Settles it within its timeout. */
  send(command: PendingCommand): void {
    if (this.#closing !== undefined) return command.fail(closedError(command.name, this.route.node))
    command.accepted(this)
    if (this.#inFlight >= this.#settings.maxInFlight || this.#queued.size > 0) return this.#enqueue(command)
    this.#startDeadline(command)
    this.#admit(command)
  }

  /** Sends all of them with their own timeouts, in one write a server as far as there are places in flight. */
  sendTogether(commands: ReadonlyArray<PendingCommand>): void {
    this.route.together(commands, () => {
      for (const command of commands) this.send(command)
    })
  }

  /** Gives the command up: nobody waits for its reply any more. */
  abandon(command: PendingCommand): void {
    command.givenUp()
    this.#letGo(command)
  }

  /** Fails a command that is not on the wire. */
  readonly refuse = (command: PendingCommand, error: CommandError): void => {
    command.fail(error)
    this.#letGo(command)
  }

  /** Settles what is in flight within `closeTimeout`, then closes the sockets. Every call waits for the same end. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Commands that wait for a place in flight. */
  get waiting(): number {
    return this.#queued.size
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  done(command: PendingCommand): void {
    this.#stopDeadline(command)
    this.#releasePlace(command)
  }

  expired(command: PendingCommand): void {
    const { name, row, written } = command
    const phase = written ? "command" : command.holdsPlace ? "connect" : "queue"
    const timeout = phase === "queue" ? this.#queueTimeoutOf(command) : command.timeout
    const node = command.node ?? this.route.node
    const code = phase === "connect" ? (command.awaits ?? this.route.awaits) : undefined
    const mayHaveExecuted = written && row.changes
    const why = code === undefined ? {} : { code }
    const timedOut = new CacheTimeoutError({ operation: name, phase, timeout, node, mayHaveExecuted, ...why })
    command.fail((written ? undefined : command.refusal) ?? timedOut)
    this.#letGo(command)
    if (phase !== "queue") this.route.onSilence?.(command)
  }

  async #close(): Promise<void> {
    // Not before `#closing` is set, which refuses what comes now.
    await Promise.resolve()
    for (const command of this.#queued.keys()) this.refuse(command, closedError(command.name, this.route.node))
    await this.route.close(this.#settings.closeTimeout)
    this.#deadlines.close()
  }

  // A place in flight is held from admission until the command leaves the wire, not until its caller stops waiting:
  // that bounds what piles up in front of a frozen server.

  #enqueue(command: PendingCommand): void {
    this.#startTimer(command, this.#queueTimeoutOf(command))
    this.#queued.set(command, performance.now())
  }

  #queueTimeoutOf({ timeout }: PendingCommand): number {
    return Math.min(this.#settings.queueTimeout, timeout)
  }

  #admit(command: PendingCommand): void {
    this.#inFlight++
    command.tookPlace()
    this.route.carry(command)
  }

  #releasePlace(command: PendingCommand): void {
    if (!command.gavePlaceBack()) return
    this.#inFlight--
    // Admitting may fail a command at once, which gives its place back in turn.
    if (this.#admitting || this.#queued.size === 0) return
    this.#admitting = true
    for (const [next, queuedAt] of this.#queued) {
      if (this.#inFlight >= this.#settings.maxInFlight) break
      this.#queued.delete(next)
      this.#stopDeadline(next)
      this.#startTimer(next, Math.max(1, next.timeout - (performance.now() - queuedAt)))
      this.#admit(next)
    }
    this.#admitting = false
  }

  #startDeadline(command: PendingCommand): void {
    if (command.timeout === this.#settings.commandTimeout) this.#deadlines.add(command)
    else this.#startTimer(command, command.timeout)
  }

  #startTimer(command: PendingCommand, millis: number): void {
    if (millis === Infinity) return
    command.expiresBy(performance.now() + millis)
    const timer = new Timer(millis, () => {
      // As in `Deadlines`: replies that have arrived are read before an immediate runs. It may have another time by then.
      setImmediate(() => this.#timers.get(command) === timer && command.expire())
    })
    this.#timers.set(command, timer)
  }

  #stopDeadline(command: PendingCommand): void {
    const timer = this.#timers.size === 0 ? undefined : this.#timers.get(command)
    if (timer === undefined) return this.#deadlines.dropSettled()
    timer.cancel()
    this.#timers.delete(command)
  }

  #letGo(command: PendingCommand): void {
    this.#stopDeadline(command)
    this.#queued.delete(command)
    command.unpark()
    if (!command.written) this.#releasePlace(command)
  }
}
