/**
 * What one turn of the event loop sends over a socket, in one write. Most of what a command costs is its own system call.
 *
 * A turn with many independent commands is sent in a few writes of growing size, so that the server works on the
 * first while the turn still makes the last. Measured with 64 callers: a quarter faster than one write.
 */
import type { Socket } from "node:net"
import { WriteRoom } from "./WriteRoom.ts"

const firstWrite = 32

/** Bytes from this length on are written as they are; what is shorter is copied into one buffer with its neighbours. */
const longPart = 16_384

/** So many bytes are a write of their own, however few commands they are. */
const longWrite = 65_536

export class TurnWriter {
  readonly #socket: Socket
  readonly #room = new WriteRoom()
  /** Of short arguments, behind what is in the room. */
  #text = ""
  /** All of it is ASCII, which is copied faster than it is encoded. */
  #isAscii = true
  /** What comes before the room's, where there are long bytes in it. */
  #parts: Array<Buffer> | undefined
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

  /** A text of some length, behind that length. */
  argument(text: string): void {
    this.#settle()
    this.#room.argument(text)
  }

  bytes(bytes: Buffer): void {
    this.#settle()
    if (bytes.length < longPart) return this.#room.bytes(bytes)
    this.#parts ??= []
    this.#parts.push(this.#room.take(), bytes)
  }

  /** A command is complete. */
  end(): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      // After the promises of this turn, before its I/O.
      process.nextTick(this.#endTurn)
    }
    const isFull = ++this.#commands >= this.#commandsPerWrite
    if (this.together || !(isFull || this.#room.size >= longWrite)) return
    if (isFull) this.#commandsPerWrite *= 2
    this.flush()
  }

  readonly #endTurn = (): void => {
    this.#scheduled = false
    this.#commandsPerWrite = firstWrite
    this.flush()
  }

  /** Writes what waits, before anybody else writes. */
  flush(): void {
    const socket = this.#socket
    const parts = this.#parts
    this.#commands = 0
    this.#parts = undefined
    // A socket that was lost meanwhile takes nothing: its commands are told when it closes.
    if (!socket.writable) this.#forget()
    else if (parts !== undefined || this.#room.size > 0) this.#writeRoom(parts ?? [])
    else if (this.#text !== "") {
      socket.write(this.#text, this.#isAscii ? "latin1" : "utf8")
      this.#forgetText()
    }
  }

  #writeRoom(parts: Array<Buffer>): void {
    const socket = this.#socket
    const room = this.#room
    let left: Buffer | undefined
    const onTaken = () => left !== undefined && room.giveBack(left)
    this.#settle()
    const last = room.take()
    if (parts.length === 0) socket.write(last, onTaken)
    else {
      socket.cork()
      for (const part of parts) if (part.length > 0) socket.write(part)
      socket.write(last, onTaken)
      socket.uncork()
    }
    // Mostly the kernel has taken all of it at once. What it has not the socket keeps, and reads later.
    if (socket.writableLength === 0) room.free()
    else left = room.leave()
  }

  /** Puts the text that waits into the room. */
  #settle(): void {
    if (this.#text === "") return
    this.#room.text(this.#text, this.#isAscii)
    this.#forgetText()
  }

  #forget(): void {
    this.#forgetText()
    this.#room.free()
  }

  #forgetText(): void {
    this.#text = ""
    this.#isAscii = true
  }
}
