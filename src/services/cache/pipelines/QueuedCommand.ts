/** An operation that is one command and the meaning of its reply. Nothing of it runs before it is sent. */
import { Effect, Effectable, Exit, Result } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Command, Reply } from "../../../schema/Command.ts"
import type { PipelineResults } from "../../ValkeyClient.ts"

type Outcome = PipelineResults[number]

export class QueuedCommand<A, E, R> extends Effectable.Class<A, E | CommandError, R> {
  readonly command: Command
  readonly #use: (reply: Reply) => Effect.Effect<A, E, R>
  readonly #enqueue: (command: Command) => Effect.Effect<Outcome, CommandError>

  constructor(
    command: Command,
    use: (reply: Reply) => Effect.Effect<A, E, R>,
    /** How it gets into a queue in which other operations take steps of their own. */
    enqueue: (command: Command) => Effect.Effect<Outcome, CommandError>
  ) {
    super()
    this.command = command
    this.#use = use
    this.#enqueue = enqueue
  }

  asEffect(): Effect.Effect<A, E | CommandError, R> {
    return Effect.flatMap(this.#enqueue(this.command), (outcome) => this.meaningOf(outcome))
  }

  /** What the operation gives for it. */
  meaningOf(outcome: Outcome): Effect.Effect<A, E | CommandError, R> {
    if (Result.isFailure(outcome)) return Exit.fail(outcome.failure)
    try {
      return this.#use(outcome.success)
    } catch (defect) {
      return Exit.die(defect)
    }
  }
}
