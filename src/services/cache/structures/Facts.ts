/** What XINFO says of a stream, a group or a consumer. */
import { Exit, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import { isStored } from "../kernel/entry.ts"
import * as replies from "../kernel/replies.ts"

/** Names and values in turn. */
export class Facts {
  readonly #facts = new Map<string, Reply>()
  readonly #operation: string

  constructor(operation: string, reply: Reply) {
    this.#operation = operation
    if (!Array.isArray(reply)) return
    for (let i = 0; i + 1 < reply.length; i += 2) this.#facts.set(String(reply[i]), reply[i + 1])
  }

  number(name: string): Exit.Exit<number, CommandError> {
    const fact = this.#facts.get(name)
    return typeof fact === "number" ? Exit.succeed(fact) : replies.unexpected(this.#operation)
  }

  /** None where it is absent, null or below zero, which all are how a server says that it does not know. */
  known(name: string): Exit.Exit<Option.Option<number>, CommandError> {
    const fact = this.#facts.get(name) ?? null
    if (fact === null) return Exit.succeed(Option.none())
    return Exit.map(this.number(name), (number) => (number < 0 ? Option.none() : Option.some(number)))
  }

  /** A list of whatever. */
  list(name: string): Exit.Exit<ReadonlyArray<Reply>, CommandError> {
    const fact = this.#facts.get(name)
    return Array.isArray(fact) ? Exit.succeed(fact) : replies.unexpected(this.#operation)
  }

  /** A list of facts about several things. */
  each(name: string): Exit.Exit<ReadonlyArray<Facts>, CommandError> {
    return factsOf(this.#operation, this.#facts.get(name) ?? null)
  }

  text(name: string): Exit.Exit<string, CommandError> {
    const fact = this.#facts.get(name)
    return fact !== undefined && isStored(fact) ? Exit.succeed(String(fact)) : replies.unexpected(this.#operation)
  }
}

/** A list of facts about several things. */
export const factsOf = (operation: string, reply: Reply): Exit.Exit<ReadonlyArray<Facts>, CommandError> =>
  Array.isArray(reply)
    ? Exit.succeed(reply.map((item: Reply) => new Facts(operation, item)))
    : replies.unexpected(operation)
