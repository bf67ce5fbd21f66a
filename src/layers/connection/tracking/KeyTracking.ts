/**
 * Has a server tell a subscriber of the keys that a connection reads. It is asked for on that connection, which forgets it when
 * it ends; and a subscriber that is gone is only seen there.
 */
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import { replyCode } from "../../../schema/failures.ts"
import { Question } from "../Question.ts"
import { type RawReply, ReplyError } from "../RawReply.ts"
import type { Wire } from "../Wire.ts"

export interface KeyTrackingOptions {
  readonly settings: ConnectionSettings
  /** The number of the client that is told. */
  readonly subscriber: string
  readonly onRefused: (what: string, code: string) => void
}

export class KeyTracking {
  readonly #options: KeyTrackingOptions

  constructor(options: KeyTrackingOptions) {
    this.#options = options
  }

  begin(wire: Wire, done: (isTracked: boolean) => void): void {
    const { onRefused, subscriber } = this.#options
    this.#ask(wire, ["TRACKING", "ON", "REDIRECT", subscriber, "OPTIN"], (error) => {
      if (error instanceof ReplyError) onRefused("CLIENT TRACKING", replyCode(error.message))
      done(error === undefined)
    })
  }

  /** Whether the subscriber is told of what the connection reads. */
  check(wire: Wire, done: (isTracked: boolean) => void): void {
    this.#ask(wire, ["TRACKINGINFO"], (error, reply) => {
      // Who may not ask cannot know it better.
      if (error !== undefined) return done(error instanceof ReplyError && replyCode(error.message) === "NOPERM")
      const facts = Array.isArray(reply) ? reply : []
      const of = (name: string): RawReply | undefined => facts[facts.indexOf(name) + 1]
      const flags = of("flags")
      const isOn = Array.isArray(flags) && flags.includes("optin") && !flags.includes("broken_redirect")
      done(isOn && String(of("redirect")) === this.#options.subscriber)
    })
  }

  #ask(wire: Wire, args: ReadonlyArray<string>, settle: ConstructorParameters<typeof Question>[3]): void {
    wire.write(new Question("CLIENT", args, this.#options.settings.commandTimeout, settle))
  }
}
