/**
 * One socket: what is written to it, in order, and whom each reply is for.
 *
 * Everybody writes through it. Commands of ours wait here for their replies. iovalkey, which a program may be given,
 * keeps a queue of its own: a mark in ours stands for each of its commands, and their replies are handed over as bytes.
 * A reply that nobody can have asked for ends the connection, because all that follow would go to the wrong callers.
 */
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import type { Redis } from "iovalkey"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { Message } from "../../services/ValkeyClient.ts"
import { ConnectionBroken, ConnectionLost, NotWritten, ReplyTooLarge } from "./ConnectionFailure.ts"
import { Question } from "./Question.ts"
import { encodeReply, type RawReply, ReplyError, withText } from "./RawReply.ts"
import { ReplyParser, type ReplyTarget } from "./ReplyParser.ts"
import type { ReplyShape } from "../commands/replyShape.ts"
import { ReplyOrder } from "../invalidations/ReplyOrder.ts"
import { fits, shapeOf } from "./replyFit.ts"
import { Ring } from "./Ring.ts"
import { TurnWriter } from "./TurnWriter.ts"
import { WireCommand } from "./WireCommand.ts"

/** Is given the first bytes of the buffer, which is filled again afterwards. */
export type OnBytes = (buffer: Buffer, length: number) => void

/** A message of a channel: text, or what the server itself has to say there. */
export type OnMessage = (message: Omit<Message, "message"> & { readonly message: RawReply }) => void

/** Of the channels that are subscribed to. */
export interface ChannelListener {
  readonly onMessage: OnMessage
  /** The server has ended a subscription by itself: the slot of its channel has moved. */
  readonly onDropped?: (() => void) | undefined
}

export interface WireOptions {
  readonly open: (onBytes: OnBytes) => Socket
  readonly client: Redis
  readonly settings: ConnectionSettings
  /** Called once, before those are told whose commands are under way. `reason`: why we ended it, if we did. */
  readonly onEnd: (wire: Wire, reason: ConnectionBroken | undefined) => void
}

export class Wire implements ReplyTarget {
  readonly socket: Socket
  readonly client: Redis
  /** Of the replies that are to be kept. */
  readonly order = new ReplyOrder()
  readonly #options: WireOptions
  readonly #writer: TurnWriter
  readonly #parser: ReplyParser
  readonly #expected = new Ring<WireCommand>()
  /** Whose reply is being skipped. */
  #skipped: { readonly command: WireCommand; readonly error: ReplyTooLarge } | undefined
  #listener: ChannelListener | undefined
  #peer: Address | undefined
  /** iovalkey has subscribed to channels here. Their messages are wanted as they come, in bytes. */
  #clientListens = false
  #onDrained: (() => void) | undefined
  #hasEnded = false
  /** Its TLS handshake is over, or there is none. */
  #isSecured: boolean

  constructor(options: WireOptions) {
    this.#options = options
    this.client = options.client
    this.#parser = new ReplyParser(this, options.settings.replyLimits)
    this.socket = options.open((buffer, length) => this.#read(buffer, length))
    this.#writer = new TurnWriter(this.socket)
    this.#isSecured = !(this.socket instanceof TLSSocket)
    this.socket.once("secureConnect", () => (this.#isSecured = true))
    // Before iovalkey's own listener: those who are told may come again at once.
    this.socket.once("close", () => this.#end(undefined))
  }

  /** What the connection waits for, where somebody may have to repair it. A server without TLS waits, too. */
  get awaits(): string | undefined {
    const isConnected = !this.socket.connecting && !this.socket.destroyed
    return isConnected && !this.#isSecured ? "TLS_HANDSHAKE" : undefined
  }

  /** The other end, while it is open. */
  get peer(): Address | undefined {
    if (this.#peer !== undefined) return this.#peer
    const { remoteAddress, remotePort } = this.socket
    if (remoteAddress !== undefined && remotePort !== undefined) this.#peer = { host: remoteAddress, port: remotePort }
    return this.#peer
  }

  /** Messages of channels come, and most commands may not be sent. */
  get isListening(): boolean {
    return this.#listener !== undefined || this.#clientListens
  }

  /** Commands of which the replies have not come. */
  get owes(): boolean {
    return this.#expected.size > 0 || this.#skipped !== undefined
  }

  /** When the oldest of them should have been answered at the latest. */
  get expiresAt(): number {
    return (this.#skipped?.command ?? this.#expected.peek())?.expiresAt ?? Infinity
  }

  /** While true, what is written goes out in one write. */
  set together(together: boolean) {
    this.#writer.together = together
  }

  write(command: WireCommand): void {
    if (this.#hasEnded || !this.socket.writable) return this.#refuse(command)
    this.#expected.push(command)
    command.writeTo(this.#writer)
    this.#writer.end()
  }

  /** Asks something for ourselves, with text in the reply. */
  ask(name: string, ...args: ReadonlyArray<string>): Promise<RawReply> {
    return new Promise((resolve, reject) =>
      this.write(
        new Question(name, args, this.#options.settings.commandTimeout, (error, reply) =>
          error === undefined ? resolve(reply) : reject(error)
        )
      )
    )
  }

  /** Takes the messages of the channels that will be subscribed to. */
  listen(listener: ChannelListener): void {
    this.#listener = listener
  }

  /** Has iovalkey write a command of its own, or several. What waits for the end of the turn goes first. */
  foreign<A>(send: () => A): A {
    const { commandQueue } = this.client
    this.#writer.flush()
    const before = commandQueue.length
    const result = send()
    for (let i = before; i < commandQueue.length; i++) {
      const name = commandQueue.peekAt(i)?.command.name ?? "raw"
      this.#expected.push(new ForeignCommand(name, this.#options.settings.commandTimeout))
    }
    return result
  }

  /** Calls back when no replies are due any more, perhaps never. */
  whenDrained(onDrained: () => void): void {
    this.#onDrained = onDrained
    if (!this.owes) onDrained()
  }

  /** Ends the connection, and all that is under way on it with this reason. */
  break(code: string, message: string): void {
    this.#end(new ConnectionBroken(code, message))
    this.socket.destroy()
  }

  /** Ends the connection. What is under way is lost. */
  destroy(): void {
    this.#end(undefined)
    this.socket.destroy()
  }

  // What the parser reports.

  begin(): boolean {
    const asked = this.#asked
    if (asked !== undefined) return asked.asText && !this.#clientListens
    if (this.#listener !== undefined) return true
    if (!this.#clientListens) this.break("PROTOCOL", "the server sent a reply to no command")
    return false
  }

  reply(reply: RawReply): void {
    if (Array.isArray(reply) && this.#isMessage(reply)) return this.#give(reply)
    const head = this.#asked
    if (head === undefined) return this.break("PROTOCOL", "the server sent a reply to no command")
    const wanted = this.#clientListens && head.asText ? withText(reply) : reply
    if (!head.fits(wanted)) return this.break("PROTOCOL", `${head.name} cannot have the reply that came`)
    if (head.isForeign) return this.#handOver(reply)
    if (head.ahead > 0) {
      head.ahead--
      return head.take(wanted)
    }
    this.#expected.shift()
    head.answer(wanted)
    if (this.#onDrained !== undefined && !this.owes) this.#onDrained()
  }

  tooLarge(what: string): void {
    const error = new ReplyTooLarge(what)
    const head = this.#asked
    // A message is not asked for, so that nobody can be told that it is missing.
    if (head === undefined || this.#listener !== undefined || this.#clientListens)
      return this.break(error.code, error.message)
    this.#skipped = { command: head, error }
    if (head.ahead > 0) {
      head.ahead--
      return head.lack(error)
    }
    this.#expected.shift()
    if (!head.isForeign) head.lose(error)
  }

  skipped(): void {
    const skipped = this.#skipped
    this.#skipped = undefined
    if (skipped?.command.isForeign === true)
      this.#toClient(new ReplyError(`${skipped.error.code} ${skipped.error.message}`))
    if (this.#onDrained !== undefined && !this.owes) this.#onDrained()
  }

  #refuse(command: WireCommand): void {
    // The peer has said its last word: whoever comes is to be given the next connection.
    if (this.socket.readableEnded) this.destroy()
    command.lose(new NotWritten())
  }

  #read(buffer: Buffer, length: number): void {
    let fault: string | undefined
    try {
      fault = this.#parser.read(buffer, length)
    } catch (defect) {
      // Whatever it was, the rest of the bytes has not been read.
      fault = defect instanceof Error ? defect.message : "a reply could not be read"
    }
    if (fault !== undefined) this.break("PROTOCOL", fault)
  }

  /** The oldest command that the server can know of. One that waits for the end of the turn has no reply yet. */
  get #asked(): WireCommand | undefined {
    return this.#expected.size > this.#writer.waiting ? this.#expected.peek() : undefined
  }

  /** Messages of channels come unasked. */
  #isMessage(reply: ReadonlyArray<RawReply>): boolean {
    if (this.#listener === undefined && !this.#clientListens) return false
    const kind = String(reply[0])
    // The last one a server sends by itself, when a slot with channels moves; only iovalkey asks for it.
    return (
      messages.has(kind) || (kind === "sunsubscribe" && (this.#listener !== undefined || this.#expected.size === 0))
    )
  }

  #give(reply: ReadonlyArray<RawReply>): void {
    const listener = this.#listener
    if (listener === undefined) return this.#toClient(reply)
    const [kind, first, second = null, third = null] = reply
    if (kind === "sunsubscribe") listener.onDropped?.()
    else if (kind === "pmessage") {
      listener.onMessage({ channel: String(second), message: third, pattern: String(first) })
    } else listener.onMessage({ channel: String(first), message: second })
  }

  /** Gives a reply to iovalkey, and finds out whether its command waits for more, as SUBSCRIBE does. */
  #handOver(reply: RawReply): void {
    const { commandQueue } = this.client
    const before = commandQueue.length
    this.#toClient(reply)
    this.#clientListens = this.client.mode === "subscriber"
    if (commandQueue.length < before) this.#expected.shift()
    if (this.#onDrained !== undefined && !this.owes) this.#onDrained()
  }

  #toClient(reply: RawReply): void {
    try {
      this.socket.emit("data", encodeReply(reply))
    } catch (error) {
      // Of a listener of the program's, which has nothing to do with those who wait.
      process.nextTick(() => {
        throw error
      })
    }
  }

  #end(reason: ConnectionBroken | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#parser.stop()
    this.#options.onEnd(this, reason)
    const error = reason ?? new ConnectionLost()
    for (let command = this.#expected.shift(); command !== undefined; command = this.#expected.shift()) {
      command.lose(error)
    }
    this.#onDrained?.()
  }
}

const messages: ReadonlySet<string> = new Set(["message", "pmessage", "smessage"])

/** Stands for a command that iovalkey has written and waits for. */
class ForeignCommand extends WireCommand {
  override readonly isForeign = true
  readonly expiresAt: number
  readonly #shape: ReplyShape

  constructor(name: string, timeout: number) {
    super(name, [], false)
    this.#shape = shapeOf(name)
    this.expiresAt = performance.now() + timeout
  }

  override fits(reply: RawReply): boolean {
    return fits(this.#shape, reply)
  }

  // iovalkey tells its own.
  answer(): void {}
  lose(): void {}
}
