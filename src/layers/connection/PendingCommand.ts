/**
 * A caller's command on its way, from the call to its end. What happens to it is told by method, each by one of those who
 * have to do with it:
 *
 * - `Dispatcher`: accepted, takes a place in flight, expires, is given up or refused;
 * - the route and `ServerNode`: carried, parked until there is a connection, written, rewound for another try;
 * - `Wire`: answered or lost.
 */
import type { CommandError } from "../../schema/CacheError.ts"
import { type Answerer, type Answers, wantedAnswers } from "../../schema/Answers.ts"
import type { Reply, WireArg } from "../../schema/Command.ts"
import { closedError, inexactInteger, protocolError } from "../../schema/failures.ts"
import { type CommandRow, mayGoElsewhere } from "../commands/CommandRow.ts"
import { NotWritten } from "./ConnectionFailure.ts"
import type { Expiring } from "./Deadlines.ts"
import { isLoss } from "./errors.ts"
import { hasInexact, isReply, type RawReply, ReplyError } from "./RawReply.ts"
import type { Wire } from "./Wire.ts"
import { WireCommand } from "./WireCommand.ts"

/** The server whose connection carries it. */
export interface Carrier {
  readonly node: string | undefined
  /** What its connection waits for, where somebody may have to repair it. */
  readonly awaits: string | undefined
  readonly answerer: Answerer
  readonly toError: (command: PendingCommand, error: unknown) => CommandError
  /** Whether the command goes on elsewhere instead of failing with the error. */
  readonly redirect: (command: PendingCommand, error: Error) => boolean
}

/** Who bounds the command in time and counts it. */
export interface Keeper {
  /** Its client, or its dedicated connection, is being closed. */
  readonly isClosing: boolean
  /** The command has left the wire for good. */
  readonly done: (command: PendingCommand) => void
  readonly expired: (command: PendingCommand) => void
}

export interface Routing {
  /** The only server that may carry it. */
  readonly server?: string | undefined
  /** No replica may answer, though it only reads. */
  readonly primary?: boolean | undefined
  /** The slot of its keys, where others than its arguments say. */
  readonly slot?: number | undefined
  /** Why it was refused, where its own error does not say. */
  readonly refusal?: (() => Error | undefined) | undefined
  /** Asked with a connection before it is written there; false where it is to fail. */
  readonly sendIf?: ((connection: object) => boolean) | undefined
  /** Asked before it is sent again after a refusal; false where it is to fail with that refusal. */
  readonly resendIf?: (() => boolean) | undefined
  /** Makes it new for another try. */
  readonly rewind?: (() => void) | undefined
}

export interface CommandTerms {
  /** Whether strings in the reply become text, not bytes. */
  readonly asText: boolean
  /** Milliseconds from the turn of the call, within which it is settled. */
  readonly timeout: number
  readonly routing?: Routing | undefined
  /** Written immediately before it, with nothing between. */
  readonly prelude?: ReadonlyArray<WireCommand> | undefined
}

export abstract class PendingCommand extends WireCommand implements Expiring {
  /** What is known of commands of its name. */
  readonly row: CommandRow
  readonly timeout: number
  readonly prelude: ReadonlyArray<WireCommand> | undefined
  #routing: Routing | undefined
  #expiresAt = Infinity
  #settled = false
  #written = false
  #holdsPlace = false
  #keeper: Keeper | undefined = undefined
  #carrier: Carrier | undefined = undefined
  #stopWaiting: (() => void) | undefined = undefined
  #refusal: CommandError | undefined = undefined
  #isResent = false
  readonly #answers: Answers | undefined

  constructor(
    row: CommandRow,
    name: string,
    args: ReadonlyArray<WireArg>,
    { asText, prelude, routing, timeout }: CommandTerms
  ) {
    super(name, args, asText)
    this.row = row
    this.timeout = timeout
    this.prelude = prelude
    this.#routing = routing
    this.#answers = wantedAnswers()
  }

  /** Told once, with one of the two. */
  protected abstract onReply(reply: Reply): void
  protected abstract onError(error: CommandError): void

  /** Its caller has been told, or waits no more. */
  get settled(): boolean {
    return this.#settled
  }

  /** Written to a socket, and not refused there: it may have been executed. */
  get written(): boolean {
    return this.#written
  }

  /** Counted among those in flight. */
  get holdsPlace(): boolean {
    return this.#holdsPlace
  }

  /** The server that has it, or had it last. */
  get node(): string | undefined {
    return this.#carrier?.node
  }

  /** What it waits for at the server that has it. */
  get awaits(): string | undefined {
    return this.#carrier?.awaits
  }

  /** Why it waits for another try. */
  get refusal(): CommandError | undefined {
    return this.#refusal
  }

  /** How a topology of several servers brings it to the right one. */
  get routing(): Routing | undefined {
    return this.#routing
  }

  get expiresAt(): number {
    return this.#expiresAt
  }

  // The dispatcher's.

  accepted(keeper: Keeper): void {
    this.#keeper = keeper
  }

  tookPlace(): void {
    this.#holdsPlace = true
  }

  /** Returns whether it had a place. */
  gavePlaceBack(): boolean {
    const had = this.#holdsPlace
    this.#holdsPlace = false
    return had
  }

  expiresBy(instant: number): void {
    this.#expiresAt = instant
  }

  expire(): void {
    if (!this.#settled) this.#keeper?.expired(this)
  }

  /** Fails it where no reply is waited for. */
  fail(error: CommandError): void {
    if (this.#settled) return
    this.#settled = true
    this.#tellWhere()
    this.onError(error)
  }

  /** Nobody waits for it any more. A reply that is due is still read. */
  givenUp(): void {
    this.#settled = true
  }

  /** Ends its wait for a connection, or for another try. */
  unpark(): void {
    const stop = this.#stopWaiting
    this.#stopWaiting = undefined
    stop?.()
  }

  // The route's, and the server's.

  /** No replica may answer. */
  needsPrimary(): void {
    this.#routing = { ...this.#routing, primary: true }
  }

  carriedBy(carrier: Carrier): void {
    this.#carrier = carrier
  }

  /** It waits. `stop` is called if it is to wait no more. */
  parked(stop: () => void): void {
    this.#stopWaiting = stop
  }

  /** What it waited for has come. */
  resumed(): void {
    this.#stopWaiting = undefined
  }

  wrote(_wire: Wire): void {
    this.#written = true
  }

  /** Its slot is being moved to the server that has it. Whether it says ASKING itself. */
  asks(): boolean {
    return false
  }

  /** It was not executed, and goes on as if it had not been sent. `refusal`: why, where nothing better comes of it. */
  rewound(refusal: CommandError): void {
    this.#refusal = refusal
    this.#written = false
    this.#routing?.rewind?.()
  }

  /** `rewound` for one more sending, of which there is only one. False where it is not to be sent again. */
  again(refusal: CommandError): boolean {
    if (this.#isResent || this.#routing?.resendIf?.() === false) return false
    this.#isResent = true
    this.rewound(refusal)
    return true
  }

  /** Why it fails: what happened to it first, where it could not be sent again. A layer that closes has the last word. */
  reasonFor(error: CommandError): CommandError {
    const isClosed = error._tag === "CacheConnectionError" && error.phase === "closed"
    return (this.#isResent && !isClosed ? this.#refusal : undefined) ?? error
  }

  // The wire's.

  answer(raw: RawReply): void {
    if (raw instanceof ReplyError) return this.lose(raw)
    const waiting = !this.#settled
    this.#settled = true
    this.#keeper?.done(this)
    if (!waiting) return
    this.#tellWhere()
    const reply = this.read(raw)
    if (reply instanceof Error) this.onError(reply)
    else this.onReply(reply)
  }

  lose(error: Error): void {
    const waiting = !this.#settled
    if (waiting && this.#carrier?.redirect(this, error) === true) return
    this.#settled = true
    this.#keeper?.done(this)
    if (!waiting) return
    this.#tellWhere()
    const unwritten = error instanceof NotWritten
    if (this.#keeper?.isClosing === true && (unwritten || isLoss(error))) {
      return this.onError(closedError(this.name, this.node, !unwritten && this.row.changes))
    }
    this.onError(this.#carrier?.toError(this, error) ?? protocolError(this.name))
  }

  #tellWhere(): void {
    if (this.#answers !== undefined && this.#carrier !== undefined) this.#answers.endedAt(this.#carrier.answerer)
  }

  /** What its caller is given for the reply. */
  protected read(raw: RawReply): Reply | CommandError {
    // Its server's name is made of parts, and needed only where something is wrong.
    return isReply(raw) ? raw : readReply(this.name, raw, this.node)
  }
}

/** It was not written, or reading twice does no harm. */
export const mayOutliveConnection = ({ args, row }: PendingCommand, error: Error): boolean =>
  error instanceof NotWritten || (isLoss(error) && mayGoElsewhere(row, args))

/** The reply as a program can be given it, or why it cannot. */
export const readReply = (operation: string, raw: RawReply, node: string | undefined): Reply | CommandError =>
  isReply(raw) ? raw : hasInexact(raw) ? inexactInteger(operation) : protocolError(operation, node)

/** A command that tells functions how it went. */
export class CallbackCommand extends PendingCommand {
  protected readonly onReply: (reply: Reply) => void
  protected readonly onError: (error: CommandError) => void

  constructor(
    row: CommandRow,
    name: string,
    args: ReadonlyArray<WireArg>,
    terms: CommandTerms,
    onReply: (reply: Reply) => void,
    onError: (error: CommandError) => void
  ) {
    super(row, name, args, terms)
    this.onReply = onReply
    this.onError = onError
  }
}
