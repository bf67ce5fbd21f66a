/** Commands of our own: what connections and topologies ask servers. No caller's deadline and no place in flight goes with them. */
import type { WireArg } from "../../schema/Command.ts"
import { type RawReply, ReplyError } from "./RawReply.ts"
import { WireCommand } from "./WireCommand.ts"

/** A reply to it, or why there is none. */
export type Settle = (error: Error | undefined, reply: RawReply) => void

export class Question extends WireCommand {
  readonly expiresAt: number
  readonly #settle: Settle

  /** `timeout` in milliseconds. */
  constructor(name: string, args: ReadonlyArray<WireArg>, timeout: number, settle: Settle = () => {}) {
    super(name, args, true)
    this.expiresAt = performance.now() + timeout
    this.#settle = settle
  }

  answer(reply: RawReply): void {
    if (reply instanceof Error) this.#settle(reply, null)
    else this.#settle(undefined, reply)
  }

  lose(error: Error): void {
    this.#settle(error, null)
  }
}

/** Asks for a word back. A connection whose replies have lost their order gives another one. */
export class Echo extends Question {
  readonly #word: string

  constructor(word: string, timeout: number, settle?: Settle) {
    super("PING", [word], timeout, settle)
    this.#word = word
  }

  override fits(reply: RawReply): boolean {
    // Some users may not PING. A subscriber is answered with a list.
    if (reply instanceof ReplyError) return true
    return (Array.isArray(reply) ? reply[1] : reply) === this.#word
  }
}
