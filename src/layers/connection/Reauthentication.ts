/** Tells a server who we are before what it was told is no longer true. */
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { authArguments, type Identity, identify } from "./credentials.ts"
import { Question } from "./Question.ts"
import { Timer } from "./Timer.ts"
import type { Wire } from "./Wire.ts"

/** The part of their time after which credentials are asked for again. */
const renewAt = 0.75

export interface ReauthenticationOptions {
  readonly settings: ConnectionSettings
  /** Whether commands that belong together are being sent: one between them would become one of them. */
  readonly isBusy: () => boolean
}

export class Reauthentication {
  readonly #options: ReauthenticationOptions
  #timer: Timer | undefined

  constructor(options: ReauthenticationOptions) {
    this.#options = options
  }

  /** Whether it will ask by itself. */
  get isDue(): boolean {
    return this.#timer !== undefined
  }

  /** On a connection that was just made by this identity. */
  start(wire: Pick<Wire, "write" | "isListening">, { validFor }: Pick<Identity, "validFor">): void {
    const { isBusy, settings } = this.#options
    this.stop()
    if (validFor === Infinity) return
    const timer = new Timer(Math.max(settings.reconnectBase, validFor * renewAt), () => {
      // Under RESP2 a subscriber cannot.
      if (wire.isListening) return
      if (isBusy()) return again()
      identify(settings).then((identity) => {
        // Lost, or begun with something, while the program was asked.
        if (this.#timer !== timer) return
        if (isBusy()) return again()
        wire.write(
          new Question("AUTH", authArguments(identity) ?? [], settings.commandTimeout, (error) => {
            if (this.#timer !== timer) return
            if (error === undefined) this.start(wire, identity)
            else again()
          })
        )
      }, again)
    }).unref()
    /** The server goes on with what it was told before. */
    const again = () => {
      if (this.#timer === timer) this.start(wire, { validFor: settings.reconnectMax / renewAt })
    }
    this.#timer = timer
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
