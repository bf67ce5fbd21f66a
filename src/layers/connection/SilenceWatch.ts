/** Notices a peer that owes replies and sends nothing: frozen, partitioned, or gone without a word. */
import type { Socket } from "node:net"

/** Looks this often within the timeout. */
const looks = 10

export class SilenceWatch {
  readonly #timeout: number
  readonly #repliesDue: () => boolean
  readonly #onSilence: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(timeout: number, repliesDue: () => boolean, onSilence: () => void) {
    this.#timeout = timeout
    this.#repliesDue = repliesDue
    this.#onSilence = onSilence
  }

  /** Destroys the socket after `timeout` milliseconds without a byte while replies are due. */
  start(socket: Socket): void {
    let bytes = socket.bytesRead
    let silentSince: number | undefined
    const isSilent = () => this.#repliesDue() && socket.bytesRead === bytes
    const look = () => {
      if (!isSilent()) {
        bytes = socket.bytesRead
        silentSince = undefined
        return
      }
      const now = performance.now()
      silentSince ??= now
      if (now - silentSince < this.#timeout) return
      // Where the event loop was blocked, bytes wait in the kernel: they are read before an immediate runs.
      setImmediate(() => {
        if (!isSilent()) return
        this.#onSilence()
        socket.destroy()
      })
    }
    this.stop()
    this.#timer = setInterval(look, Math.max(1, this.#timeout / looks)).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
