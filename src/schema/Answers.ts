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
  readonly #configured = new Map<string, Address>()
  readonly #databases = new Map<number, number>()
  readonly #peers = new Map<string, Address | undefined>()

  /** A command has ended, with a reply or without. One that was sent again counts where it was sent last. */
  endedAt({ configured, database, peer }: Answerer): void {
    this.#configured.set(nameOf(configured), configured)
    this.#databases.set(database, database)
    this.#peers.set(peer === undefined ? "" : nameOf(peer), peer)
  }

  /** What is the same for all commands. */
  get common(): Common {
    return { configured: only(this.#configured), database: only(this.#databases), peer: only(this.#peers) }
  }
}

const nameOf = (address: Address): string => ("path" in address ? address.path : `${address.host} ${address.port}`)

const only = <A>(all: ReadonlyMap<unknown, A>): A | undefined => {
  const [one, ...others] = all.values()
  return others.length === 0 ? one : undefined
}

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
