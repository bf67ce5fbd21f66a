/**
 * Notices a peer that is no use any more, and leaves it:
 *
 * - it owes replies and sends nothing: frozen, partitioned, or gone without a word;
 * - its oldest reply is overdue, though bytes come: one reply keeps all others from being read;
 * - it gives back another word than the one it was asked for: its replies go to the wrong callers.
 */
import { Echo } from "./Question.ts"
import { Ticker } from "./Timer.ts"
import type { Wire } from "./Wire.ts"

/** What it needs of a wire. */
export interface Watched extends Pick<Wire, "owes" | "expiresAt" | "break" | "write"> {
  readonly socket: { readonly bytesRead: number }
}

/** Looks this often within the timeout. */
const looks = 10

export class WireWatch {
  readonly #timeout: number
  #ticker: Ticker | undefined

  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** Breaks the connection after `timeout` milliseconds without a byte while replies are due, or beyond the oldest deadline. */
  start(wire: Watched): void {
    const { socket } = wire
    let bytes = socket.bytesRead
    let silentSince: number | undefined
    let asked = { bytes, at: performance.now() }
    const isSilent = () => wire.owes && socket.bytesRead === bytes
    const isOverdue = () => performance.now() > wire.expiresAt + this.#timeout
    // Where the event loop was blocked, bytes wait in the kernel: they are read before an immediate runs.
    const breakIf = (isSo: () => boolean, message: string) =>
      void setImmediate(() => isSo() && wire.break("ETIMEDOUT", message))
    const look = () => {
      const now = performance.now()
      if (isOverdue()) return breakIf(isOverdue, `a reply is overdue by ${this.#timeout} ms`)
      if (isSilent()) {
        silentSince ??= now
        if (now - silentSince < this.#timeout) return
        return breakIf(isSilent, `no byte within ${this.#timeout} ms while replies were due`)
      }
      silentSince = undefined
      bytes = socket.bytesRead
      if (bytes === asked.bytes || now - asked.at < this.#timeout) return
      // Something has been read since: whether it was given to the right callers shows here.
      asked = { bytes, at: now }
      // The reply is no reason to ask again.
      wire.write(new Echo(String(bytes), this.#timeout, () => (asked = { bytes: socket.bytesRead, at: asked.at })))
    }
    this.stop()
    this.#ticker = new Ticker(this.#timeout / looks, look)
  }

  stop(): void {
    this.#ticker?.stop()
  }
}
