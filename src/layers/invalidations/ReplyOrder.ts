/** The order in which replies come over one connection. */
import type { ReplyPlace } from "../../schema/Invalidation.ts"

export class ReplyOrder {
  readonly #connection = Symbol("connection")
  #number = 0

  /** The place of the reply that has just come. */
  next(): ReplyPlace {
    return { connection: this.#connection, number: ++this.#number }
  }
}
