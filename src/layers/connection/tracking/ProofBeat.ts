/**
 * Proves again and again that a server's announcements are complete: when the answer to a PING is here, whatever the server
 * executed before that PING was sent has been announced before it, on the same connection.
 *
 * That holds for one PING under way. With two, the server has sent announcements after the answer to the first.
 */
import { isAnswerToPing } from "../../../schema/failures.ts"
import { ReplyError } from "../RawReply.ts"
import { Question } from "../Question.ts"
import { Timer } from "../Timer.ts"
import type { Wire } from "../Wire.ts"

/** Asks the connection that reads take; told whether that server is the same one and still has its keys. */
export type Vouch = (done: (vouched: boolean) => void) => void

export interface ProofBeatOptions {
  /** Where announcements come. */
  readonly wire: Wire
  readonly vouch: Vouch
  readonly now: () => number
  /** Milliseconds between two proofs. */
  readonly heartbeat: () => number
  /** Milliseconds after which a server that does not answer is left. */
  readonly patience: number
  readonly onProof: (sentAt: number) => void
}

export class ProofBeat {
  readonly #options: ProofBeatOptions
  #next: Timer | undefined
  #silence: Timer | undefined
  #isUnderWay = false
  #isStopped = false

  constructor(options: ProofBeatOptions) {
    this.#options = options
  }

  /** Asks now, unless the last answer is still due. */
  readonly beat = (): void => {
    if (this.#isUnderWay || this.#isStopped) return
    const { now, onProof, patience, vouch, wire } = this.#options
    this.#next?.cancel()
    this.#isUnderWay = true
    const sentAt = now()
    let isProven = true
    let open = 2
    const answered = (isGood: boolean) => {
      if (!isGood) isProven = false
      if (--open > 0) return
      this.#isUnderWay = false
      if (this.#isStopped) return
      if (isProven) onProof(sentAt)
      this.#next = new Timer(this.#options.heartbeat(), this.beat).unref()
    }
    this.#silence = new Timer(patience, this.#onSilence).unref()
    wire.write(
      // Another error, such as BUSY, is no proof, and no loss either.
      new Question("PING", [], patience, (error) => {
        this.#silence?.cancel()
        if (error === undefined) answered(true)
        else if (error instanceof ReplyError) answered(isAnswerToPing(error.message))
      })
    )
    vouch(answered)
  }

  stop(): void {
    this.#isStopped = true
    this.#next?.cancel()
    this.#silence?.cancel()
  }

  readonly #onSilence = (): void => {
    const { patience, wire } = this.#options
    // Where the event loop was blocked, the answer waits in the kernel: it is read before an immediate runs.
    setImmediate(() => {
      if (this.#isUnderWay && !this.#isStopped && wire.owes) {
        wire.break("ETIMEDOUT", `announcements are not proven within ${patience} ms`)
      }
    })
  }
}
