/**
 * A command on its way. iovalkey writes it and gives it its reply through the interface of its own `Command`,
 * but without the promises that one makes for each command.
 */
import { Command as IovalkeyCommand } from "iovalkey"
import { CacheConnectionError, type CacheError, CacheServerError } from "../../schema/CacheError.ts"
import type { Reply, ReplyEncoding, WireArg } from "../../schema/Command.ts"
import type { Deadline } from "./Deadlines.ts"
import type { Waiter } from "./Link.ts"

/** What iovalkey uses of a command. */
export interface WireCommand {
  readonly name: string
  readonly args: ReadonlyArray<unknown>
  readonly promise: unknown
  resolve(reply: unknown): unknown
  reject(error: Error): void
  toWritable(socket: object): string | Buffer
}

/** Whoever has sent the command. Told once. */
export interface Outcome {
  readonly succeed: (reply: Reply) => void
  readonly fail: (error: CacheError) => void
}

/** The connection that carries it. */
export interface Carrier {
  /** The reply has come, or never will: the command is no longer on the wire. */
  readonly leftWire: (command: PendingCommand) => void
  readonly toError: (command: PendingCommand, error: unknown) => CacheError
}

export type ReadReply = (operation: string, reply: unknown) => Reply

export class PendingCommand implements WireCommand {
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
  readonly promise = undefined
  /** Tells `toWritable` that an argument is bytes. */
  readonly bufferMode: boolean
  readonly operation: string
  readonly #read: ReadReply
  readonly #outcome: Outcome
  /** Written to a socket: from then on it may have been executed. */
  written = false
  /** Counted among those in flight. */
  holdsSlot = false
  settled = false
  carrier: Carrier | undefined
  deadline: Deadline | undefined
  queueDeadline: Deadline | undefined
  timer: NodeJS.Timeout | undefined
  waiter: Waiter | undefined
  /** Written immediately before it, with nothing between. */
  prelude: ReadonlyArray<PendingCommand> = []

  constructor(name: string, args: ReadonlyArray<WireArg>, read: ReadReply, outcome: Outcome, operation = name) {
    this.name = name
    this.args = args
    this.bufferMode = args.some(isBytes)
    this.operation = operation
    this.#read = read
    this.#outcome = outcome
  }

  toWritable(socket: object): string | Buffer {
    return IovalkeyCommand.prototype.toWritable.call(this, socket)
  }

  resolve(reply: unknown): void {
    this.carrier?.leftWire(this)
    if (this.settled) return
    let read: Reply
    try {
      read = this.#read(this.operation, reply)
    } catch (error) {
      this.fail(error instanceof CacheServerError ? error : protocolError(this.operation))
      return
    }
    this.settled = true
    this.#outcome.succeed(read)
  }

  reject(error: Error): void {
    this.carrier?.leftWire(this)
    if (!this.settled && this.carrier !== undefined) this.fail(this.carrier.toError(this, error))
  }

  fail(error: CacheError): void {
    if (this.settled) return
    this.settled = true
    this.#outcome.fail(error)
  }
}

const isBytes = (arg: WireArg): boolean => typeof arg !== "string"

/** A reply of a shape that no command can have. */
export const protocolError = (operation: string, node?: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "lost", code: "PROTOCOL", node, mayHaveExecuted: true })

/** The reply with bulk strings as text. */
export const readText: ReadReply = (operation, reply) =>
  Buffer.isBuffer(reply) ? reply.toString() : readOther(operation, reply, readText)

/** The reply with bulk strings as bytes. */
export const readBuffer: ReadReply = (operation, reply) =>
  Buffer.isBuffer(reply) ? reply : readOther(operation, reply, readBuffer)

export const reader = (encoding: ReplyEncoding | undefined): ReadReply => (encoding === "buffer" ? readBuffer : readText)

const readOther = (operation: string, reply: unknown, read: ReadReply): Reply => {
  if (reply === null) return null
  if (typeof reply === "number") {
    if (Number.isSafeInteger(reply)) return reply
    throw inexactInteger(operation)
  }
  if (Array.isArray(reply)) return reply.map((item) => read(operation, item))
  throw new TypeError("not a reply")
}

/** The parser has already rounded it. */
const inexactInteger = (operation: string) =>
  new CacheServerError({
    operation,
    code: "OVERFLOW",
    reply: "OVERFLOW the reply is an integer beyond 2^53",
    node: undefined,
    mayHaveExecuted: true
  })
