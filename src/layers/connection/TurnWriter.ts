/**
 * What one turn of the event loop sends over a socket, in one write. Most of what a command costs is its own system call.
 *
 * A turn with many independent commands is sent in a few writes of growing size, so that the server works on the
 * first while the turn still makes the last. Measured with 64 callers: a quarter faster than one write.
 */
import type { Socket } from "node:net"

const firstWrite = 32

/** Bytes from this length on are written as they are; what is shorter is copied into one buffer with its neighbours. */
export const longPart = 16_384

export class TurnWriter {
  readonly #socket: Socket
  #text = ""
  /** All of it is ASCII, which is copied faster than it is encoded. */
  #isAscii = true
  /** What comes before `#text`, where there are bytes in it. */
  #parts: Array<string | Buffer> | undefined
  #scheduled = false
  #commands = 0
  #commandsPerWrite = firstWrite
  /** True while commands are written that belong together, and so into one write. */
  together = false

  /** Commands that have not been handed to the socket. */
  get waiting(): number {
    return this.#commands
  }

  constructor(socket: Socket) {
    this.#socket = socket
  }

  text(text: string, isAscii: boolean): void {
    this.#text += text
    this.#isAscii &&= isAscii
  }

  bytes(bytes: Buffer): void {
    this.#parts ??= []
    this.#parts.push(this.#text, bytes)
    this.#text = ""
  }

  /** A command is complete. */
  end(): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      // After the promises of this turn, before its I/O.
      process.nextTick(this.#endTurn)
    }
    if (++this.#commands >= this.#commandsPerWrite && !this.together) {
      this.#commandsPerWrite *= 2
      this.flush()
    }
  }

  readonly #endTurn = (): void => {
    this.#scheduled = false
    this.#commandsPerWrite = firstWrite
    this.flush()
  }

  /** Writes what waits, before anybody else writes. */
  flush(): void {
    const parts = this.#parts
    const text = this.#text
    const encoding = this.#isAscii ? "latin1" : "utf8"
    this.#commands = 0
    this.#parts = undefined
    this.#text = ""
    this.#isAscii = true
    // A socket that was lost meanwhile takes nothing: its commands are told when it closes.
    if (!this.#socket.writable || (parts === undefined && text === "")) return
    if (parts === undefined) {
      this.#socket.write(text, encoding)
      return
    }
    parts.push(text)
    this.#socket.cork()
    for (const bytes of joined(parts, encoding)) this.#socket.write(bytes)
    this.#socket.uncork()
  }
}

/** The same in bytes, with short neighbours in one. Nothing but bytes is written without another copy. */
const joined = (parts: ReadonlyArray<string | Buffer>, encoding: "latin1" | "utf8"): ReadonlyArray<Buffer> => {
  const joined: Array<Buffer> = []
  let short: Array<Buffer> = []
  const join = () => {
    const only = short[0]
    if (only !== undefined) joined.push(short.length === 1 ? only : Buffer.concat(short))
    short = []
  }
  for (const part of parts) {
    if (part.length === 0) continue
    const bytes = typeof part === "string" ? Buffer.from(part, encoding) : part
    if (bytes.length < longPart) {
      short.push(bytes)
      continue
    }
    join()
    joined.push(bytes)
  }
  join()
  return joined
}
