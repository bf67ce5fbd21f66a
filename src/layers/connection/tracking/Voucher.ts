/**
 * The second beat of a proof, on the connection that reads take. The first alone is not enough: a subscriber's number is
 * accepted by a server that has another client of that number, and a primary that is cut off from its cluster answers PING
 * for ever while it announces nothing.
 */
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import { replyCode } from "../../../schema/failures.ts"
import { Question } from "../Question.ts"
import { type RawReply, ReplyError } from "../RawReply.ts"
import type { Wire } from "../Wire.ts"
import type { KeyTracking } from "./KeyTracking.ts"

export interface VoucherOptions {
  readonly settings: ConnectionSettings
  /** The run of the server that announces. */
  readonly run: string
  /** The connection that reads take, while there is one. */
  readonly data: () => Wire | undefined
  /** A key that the server has, or would have. */
  readonly key: () => string
  /** What is asked for on that connection; undefined where announcements need nothing of it. */
  readonly keyTracking?: KeyTracking | undefined
  /** Reads take a connection which is known from now on to lead to the server that announces, and to have what it needs. */
  readonly onKnown: () => void
  /** Reads go to another server than the one that announces. */
  readonly onOtherServer: () => void
  /** The server does not answer for its keys any more. */
  readonly onDisowned: (code: string) => void
}

/** The server does not answer for its keys: they have moved, it is cut off, or it has become a replica. */
const disowns: ReadonlySet<string> = new Set(["ASK", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MOVED", "READONLY"])

/** It might, and is busy. */
const saysNothing: ReadonlySet<string> = new Set(["BUSY", "TRYAGAIN"])

export class Voucher {
  readonly #options: VoucherOptions
  /** The connection that was seen to lead to the server that announces. */
  #known: Wire | undefined

  constructor(options: VoucherOptions) {
    this.#options = options
  }

  vouch(done: (vouched: boolean) => void): void {
    const wire = this.#options.data()
    if (wire === undefined) return done(false)
    if (wire === this.#known) this.#askAgain(wire, done)
    else this.#askForRun(wire, done)
  }

  #askAgain(wire: Wire, done: (vouched: boolean) => void): void {
    const { keyTracking } = this.#options
    if (keyTracking === undefined) return this.#askForKey(wire, done)
    let hasKey = false
    this.#askForKey(wire, (vouched) => {
      hasKey = vouched
    })
    // Answered after it.
    keyTracking.check(wire, (isTracked) => {
      if (!isTracked) this.#known = undefined
      done(hasKey && isTracked)
    })
  }

  #askForKey(wire: Wire, done: (vouched: boolean) => void): void {
    const { key, onDisowned, settings } = this.#options
    wire.write(
      new Question("EXISTS", [key()], settings.commandTimeout, (error) => {
        if (!(error instanceof ReplyError)) return done(error === undefined)
        const code = replyCode(error.message)
        if (disowns.has(code)) onDisowned(code)
        // Who may not ask for the key is told so by a server that would know.
        done(!disowns.has(code) && !saysNothing.has(code))
      })
    )
  }

  #askForRun(wire: Wire, done: (vouched: boolean) => void): void {
    const { onOtherServer, run, settings } = this.#options
    wire.write(
      new Question("INFO", ["server"], settings.commandTimeout, (error, reply) => {
        if (error !== undefined) return done(false)
        if (runOf(reply) === run) return this.#prepare(wire, done)
        onOtherServer()
        done(false)
      })
    )
  }

  #prepare(wire: Wire, done: (vouched: boolean) => void): void {
    const { data, keyTracking, onKnown } = this.#options
    const prepared = (isReady: boolean) => {
      if (!isReady || data() !== wire) return done(false)
      this.#known = wire
      onKnown()
      this.#askForKey(wire, done)
    }
    if (keyTracking === undefined) prepared(true)
    else keyTracking.begin(wire, prepared)
  }
}

/** The run of a server, by its INFO. */
export const runOf = (info: RawReply): string | undefined => /^run_id:(\w+)/m.exec(String(info))?.[1]
