/** Which servers answer what one operation asks: clients tell it, for the operation's span. */
import { Fiber, type Tracer } from "effect"
import type { Address } from "./ConnectionOptions.ts"

/** A connection to a server, as it is where a command ends. */
export interface Answerer {
  /** The address in the settings of the program; the first, where several lead to the same servers. */
  readonly configured: Address
  /** The number of the database. */
  readonly database: number
  /** The other end of the connection. Undefined where there is none. */
  readonly peer: Address | undefined
}

type Common = { readonly [Part in keyof Answerer]?: Answerer[Part] | undefined }

export class Answers {
  /** Of the first command that has ended; what others differ in is undefined. */
  #common: Common | undefined

  /** A command has ended, with a reply or without. One that was sent again counts where it was sent last. */
  endedAt(answerer: Answerer): void {
    if (this.#common === undefined) return void (this.#common = answerer)
    if (this.#common === answerer) return
    const { configured, database, peer } = this.#common
    this.#common = {
      configured: isSame(configured, answerer.configured) ? configured : undefined,
      database: database === answerer.database ? database : undefined,
      peer: isSame(peer, answerer.peer) ? peer : undefined
    }
  }

  /** What is the same for all commands. */
  get common(): Common {
    return this.#common ?? {}
  }
}

const isSame = (one: Address | undefined, other: Address | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && nameOf(one) === nameOf(other))

const nameOf = (address: Address): string => ("path" in address ? address.path : `${address.host} ${address.port}`)

const wanted = new WeakMap<Tracer.AnySpan, Answers>()

/** From now on commands that are sent within the span tell who answers them. */
export const wantAnswers = (span: Tracer.Span): void => void wanted.set(span, new Answers())

/** What is the same for all commands that have ended within the span. */
export const answersIn = (span: Tracer.Span): Common => wanted.get(span)?.common ?? {}

/** Where a command that is sent now is to tell who answered it. Undefined where nobody wants to know, which costs next to nothing. */
export const wantedAnswers = (): Answers | undefined => {
  const span = Fiber.getCurrent()?.cache.span
  return span === undefined ? undefined : wanted.get(span)
}
