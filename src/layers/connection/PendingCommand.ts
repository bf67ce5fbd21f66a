/**
 * A command on its way. iovalkey writes it and gives it its reply through the interface of its own `Command`,
 * but without the promises that one makes for each command.
 */
import { Command as IovalkeyCommand } from "iovalkey"
import { type CacheError, CacheServerError } from "../../schema/CacheError.ts"
import type { Reply, ReplyEncoding, WireArg } from "../../schema/Command.ts"
import { inexactInteger, protocolError } from "../../schema/failures.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import type { Expiring } from "./Deadlines.ts"

/** What iovalkey uses of a command. */
export interface WireCommand {
  readonly name: string
  readonly args: ReadonlyArray<unknown>
  readonly promise: unknown
  resolve(reply: unknown): unknown
  reject(error: Error): void
  toWritable(socket: object): string | Buffer
}

/** The server whose connection carries it. */
export interface Carrier {
  readonly node: string | undefined
  /** The reply has come, or never will. */
  readonly leftWire: () => void
  readonly toError: (command: PendingCommand, error: unknown) => CacheError
  /** Whether the command goes on elsewhere instead of failing with the error. */
  readonly redirect: (command: PendingCommand, error: Error) => boolean
}

/** Who bounds the command in time and counts it. */
export interface Keeper {
  /** The command has left the wire for good. */
  readonly done: (command: PendingCommand) => void
  readonly expired: (command: PendingCommand) => void
}

export type ReadReply = (operation: string, reply: unknown) => Reply

export interface Routing {
  /** The only server that may carry it. */
  readonly server?: string | undefined
  /** No replica may answer, though it only reads. */
  readonly primary?: boolean | undefined
  /** The slot of its keys, where others than its arguments say. */
  readonly slot?: number | undefined
  /** Why it was refused, where its own error does not say. */
  readonly refusal?: (() => Error | undefined) | undefined
  /** Asked before it is sent again after a refusal; false where it is to fail with that refusal. */
  readonly resendIf?: (() => boolean) | undefined
  /** Makes it new for another try. */
  readonly rewind?: (() => void) | undefined
}

export abstract class PendingCommand implements WireCommand, Expiring {
  /** What is known of commands of its name. */
  readonly row: CommandRow
  /** As the program wrote it. */
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
  readonly promise = undefined
  /** Tells `toWritable` that an argument is bytes. */
  readonly bufferMode: boolean
  readonly read: ReadReply
  /** Milliseconds from the call. */
  timeout = 0
  expiresAt = 0
  settled = false
  /** Written to a socket, and not refused there: it may have been executed. */
  written = false
  /** Counted among those in flight. */
  holdsSlot = false
  keeper: Keeper | undefined = undefined
  carrier: Carrier | undefined = undefined
  timer: NodeJS.Timeout | undefined = undefined
  /** Ends its wait for a connection, or for another try. */
  stopWaiting: (() => void) | undefined = undefined
  /** Goes on once there is a slot. */
  admit: (() => void) | undefined = undefined
  /** Written immediately before it, with nothing between. */
  prelude: ReadonlyArray<PendingCommand> | undefined = undefined
  /** Why it waits for another try. */
  refusal: CacheError | undefined = undefined
  /** How a topology of several servers brings it to the right one. */
  routing: Routing | undefined = undefined

  constructor(row: CommandRow, name: string, args: ReadonlyArray<WireArg>, read: ReadReply) {
    this.row = row
    this.name = name
    this.args = args
    this.bufferMode = hasBytes(args)
    this.read = read
  }

  /** Told once, with one of the two. */
  protected abstract onReply(reply: Reply): void
  protected abstract onError(error: CacheError): void

  /** The command as the protocol writes it. */
  toWritable(socket: object): string | Buffer {
    if (this.bufferMode) return IovalkeyCommand.prototype.toWritable.call(this, socket)
    const head = headOf(this.name, this.args.length)
    // One flat text; adding up many parts would make a tree that is flattened later.
    if (this.args.length > 16) return head + this.args.map(bulk).join("")
    let text = head
    for (let i = 0; i < this.args.length; i++) text += bulk(this.args[i]!)
    return text
  }

  resolve(reply: unknown): void {
    const waiting = !this.settled
    this.settled = true
    this.carrier?.leftWire()
    this.keeper?.done(this)
    if (!waiting) return
    let read: Reply
    try {
      read = this.read(this.name, reply)
    } catch (error) {
      this.onError(error instanceof CacheServerError ? error : protocolError(this.name))
      return
    }
    this.onReply(read)
  }

  reject(error: Error): void {
    const waiting = !this.settled
    this.carrier?.leftWire()
    if (waiting && this.carrier?.redirect(this, error) === true) return
    this.settled = true
    this.keeper?.done(this)
    if (waiting) this.onError(this.carrier?.toError(this, error) ?? protocolError(this.name))
  }

  fail(error: CacheError): void {
    if (this.settled) return
    this.settled = true
    this.onError(error)
  }

  expire(): void {
    if (!this.settled) this.keeper?.expired(this)
  }
}

const bulk = (arg: WireArg): string => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`

/** What all commands of a name and number of arguments start with. Names come from programs, so that there are few. */
const headOf = (name: string, args: number): string => {
  const heads = (args < knownHeads.length && knownHeads[args]) || new Map<string, string>()
  const known = heads.get(name)
  if (known !== undefined) return known
  const head = `*${args + 1}\r\n$${Buffer.byteLength(name)}\r\n${name}\r\n`
  if (heads.size < 500) heads.set(name, head)
  return head
}
const knownHeads = Array.from({ length: 10 }, () => new Map<string, string>())

const hasBytes = (args: ReadonlyArray<WireArg>): boolean => {
  for (let i = 0; i < args.length; i++) if (typeof args[i] !== "string") return true
  return false
}

/** A command that tells functions how it went. */
export class CallbackCommand extends PendingCommand {
  protected readonly onReply: (reply: Reply) => void
  protected readonly onError: (error: CacheError) => void

  constructor(
    row: CommandRow,
    name: string,
    args: ReadonlyArray<WireArg>,
    read: ReadReply,
    onReply: (reply: Reply) => void,
    onError: (error: CacheError) => void
  ) {
    super(row, name, args, read)
    this.onReply = onReply
    this.onError = onError
  }
}

/** The reply with bulk strings as text. */
export const readText: ReadReply = (operation, reply) =>
  Buffer.isBuffer(reply) ? reply.toString() : readOther(operation, reply, readText)

/** The reply with bulk strings as bytes. */
export const readBuffer: ReadReply = (operation, reply) =>
  Buffer.isBuffer(reply) ? reply : readOther(operation, reply, readBuffer)

export const reader = (encoding: ReplyEncoding | undefined): ReadReply =>
  encoding === "buffer" ? readBuffer : readText

const readOther = (operation: string, reply: unknown, read: ReadReply): Reply => {
  if (reply === null) return null
  if (typeof reply === "number") {
    if (Number.isSafeInteger(reply)) return reply
    // The parser has already rounded it.
    throw inexactInteger(operation)
  }
  if (Array.isArray(reply)) return reply.map((item) => read(operation, item))
  throw new TypeError("not a reply")
}
