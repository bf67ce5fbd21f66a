/**
 * The one writer of a connection: what one turn of the event loop sends, in one write. Most of what a command costs is its own system call;
 * iovalkey writes into this as into a pipeline of its own.
 *
 * A turn with many independent commands is sent in a few writes of growing size, so that the server works on the
 * first while the turn still makes the last. Measured with 64 callers: a quarter faster than one write.
 */
import type { Redis } from "iovalkey"
import type { WireCommand } from "./PendingCommand.ts"

const firstWrite = 32

/** What is needed of iovalkey to write. */
interface WritableClient {
  sendCommand(command: WireCommand, stream?: object): unknown
}

const writers = new WeakMap<Redis, TurnWriter>()

/** The writer of the client's connection. */
export const writerOf = (client: Redis): TurnWriter => {
  const known = writers.get(client)
  if (known !== undefined) return known
  const writer = new TurnWriter(client)
  writers.set(client, writer)
  return writer
}

export type { TurnWriter }

class TurnWriter {
  readonly isPipeline = true
  readonly destination: { readonly redis: Redis }
  readonly #send: WritableClient["sendCommand"]
  #text = ""
  /** What comes before `#text`, where there are bytes in it. */
  #parts: Array<string | Buffer> | undefined
  #scheduled = false
  #commands = 0
  #commandsPerWrite = firstWrite
  /** True while commands are written that belong together, and so into one write. */
  together = false

  constructor(client: Redis) {
    this.destination = { redis: client }
    const wire: WritableClient = client
    this.#send = wire.sendCommand.bind(client)
    // Replies are given to commands in the order in which iovalkey heard of them. It writes its own commands at once,
    // such as those of a program that has `raw`: they must not overtake what waits for the end of the turn.
    wire.sendCommand = (command, stream) => {
      if (stream !== this) this.#flush()
      return this.#send(command, stream)
    }
  }

  send(command: WireCommand): void {
    this.#send(command, this)
  }

  write(data: string | Buffer): void {
    if (typeof data === "string") {
      this.#text += data
    } else {
      this.#parts ??= []
      this.#parts.push(this.#text, data)
      this.#text = ""
    }
    if (!this.#scheduled) {
      this.#scheduled = true
      // After the promises of this turn, before its I/O.
      process.nextTick(this.#endTurn)
    }
    if (++this.#commands >= this.#commandsPerWrite && !this.together) {
      this.#commandsPerWrite *= 2
      this.#flush()
    }
  }

  readonly #endTurn = (): void => {
    this.#scheduled = false
    this.#commandsPerWrite = firstWrite
    this.#flush()
  }

  #flush(): void {
    const { stream } = this.destination.redis
    const parts = this.#parts
    const text = this.#text
    this.#commands = 0
    this.#parts = undefined
    this.#text = ""
    // A socket that was lost meanwhile takes nothing: its commands have been rejected.
    if (!stream.writable || (parts === undefined && text === "")) return
    if (parts === undefined) {
      stream.write(text)
      return
    }
    stream.cork()
    for (const part of parts) stream.write(part)
    stream.write(text)
    stream.uncork()
  }
}
