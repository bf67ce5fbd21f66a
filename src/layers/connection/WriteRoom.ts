/**
 * Where what a turn writes becomes bytes: each text is encoded once, in a room that serves again when the kernel has taken all of
 * it. New memory for every write would cost more than the writing: the machine hands it out page by page.
 */

/** A room of this size is made at first; it doubles as it needs to. */
const firstSize = 16_384

/** A larger one is not kept. */
const mostKept = 262_144

/** Texts up to this length find room in any script, each UTF-16 unit in at most three bytes. */
const mediumText = 16_384

const encoder = new TextEncoder()
const none = Buffer.alloc(0)

export class WriteRoom {
  #room: Buffer = none
  /** For the next time that the room is left. */
  #spare: Buffer = none
  /** Where the next byte goes. */
  #at = 0
  /** Where what has not been taken begins. */
  #from = 0

  /** Bytes since the last `take`. */
  get size(): number {
    return this.#at - this.#from
  }

  /** Text; `isAscii`: which needs no encoding. */
  text(text: string, isAscii: boolean): void {
    this.#make(isAscii ? text.length : 3 * text.length)
    this.#at += this.#room.write(text, this.#at, isAscii ? "latin1" : "utf8")
  }

  /** Text behind its length, as the protocol writes an argument, but for the line end. */
  argument(text: string): void {
    // Most texts are ASCII, of which the length is known before they are encoded.
    const { length } = text
    this.text(lengthLine(length), true)
    const before = this.size
    this.#encode(text)
    const bytes = this.size - before
    if (bytes === length) return
    const guess = lengthLine(length)
    const line = lengthLine(bytes)
    const shift = line.length - guess.length
    this.#make(shift)
    const end = this.#at
    this.#room.copyWithin(end - bytes + shift, end - bytes, end)
    this.#room.write(line, end - bytes - guess.length, "latin1")
    this.#at += shift
  }

  bytes(bytes: Buffer): void {
    this.#make(bytes.length)
    bytes.copy(this.#room, this.#at)
    this.#at += bytes.length
  }

  /** What was written since the last time, which stays as it is until `free`. */
  take(): Buffer {
    const taken = this.#room.subarray(this.#from, this.#at)
    this.#from = this.#at
    return taken
  }

  /** Nobody needs what was taken any more. */
  free(): void {
    if (this.#room.length > mostKept) this.#room = none
    this.#at = 0
    this.#from = 0
  }

  /** Whoever took something still needs it: the room is left to them, until they give it back. */
  leave(): Buffer {
    const left = this.#room
    this.#room = this.#spare
    this.#spare = none
    this.#at = 0
    this.#from = 0
    return left
  }

  giveBack(left: Buffer): void {
    if (left.length > this.#spare.length && left.length <= mostKept) this.#spare = left
  }

  #encode(text: string): void {
    const { length } = text
    if (length <= mediumText) return this.text(text, false)
    this.#make(length)
    const { read, written } = encoder.encodeInto(text, this.#room.subarray(this.#at))
    if (read === length) {
      this.#at += written
      return
    }
    this.#make(Buffer.byteLength(text))
    this.#at += this.#room.write(text, this.#at)
  }

  /** Room for so many bytes more. What was taken stays where it is. */
  #make(bytes: number): void {
    const room = this.#room
    if (this.#at + bytes <= room.length) return
    const { size } = this
    const bigger = Buffer.allocUnsafeSlow(Math.max(firstSize, 2 * room.length, size + bytes))
    room.copy(bigger, 0, this.#from, this.#at)
    this.#room = bigger
    this.#at = size
    this.#from = 0
  }
}

const lengthLine = (length: number): string => `$${length}\r\n`
