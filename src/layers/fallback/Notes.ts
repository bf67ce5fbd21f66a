/** What is remembered of an outage: what the first store is to be told, and which keys the second is to forget. */
import { Clock, Effect, Exit, Option, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Reply } from "../../schema/Command.ts"
import { mayHaveExecuted } from "../../schema/failures.ts"
import type { PipelineResults } from "../../services/ValkeyClient.ts"
import { Arrears } from "./Arrears.ts"
import { KeySet } from "./KeySet.ts"
import { isFlush, type Told } from "./told.ts"

/** Beyond so many nothing more is remembered, so that what would have to be fails. */
const maxKeys = 100_000
const maxRemovals = 10_000

export class Notes {
  readonly arrears = new Arrears()
  /** The keys that were to be forgotten since the outage began. */
  readonly written = new KeySet()

  hasRoomFor({ row }: Told): boolean {
    return !row.changes || isFlush(row) || (this.written.size < maxKeys && this.arrears.removals.size < maxRemovals)
  }

  note(command: Told, reply: Reply | undefined, now: number): void {
    if (isFlush(command.row) && reply !== undefined) this.written.clear()
    for (const key of this.arrears.note(command, reply, now)) this.written.add(key)
  }

  /** Runs commands, and notes what they have changed. `answersOf`: their answers; an undefined one is not to be noted. */
  of<A>(
    commands: ReadonlyArray<Told>,
    effect: Effect.Effect<A, CommandError>,
    answersOf: (value: A) => ReadonlyArray<PipelineResults[number] | undefined>
  ): Effect.Effect<A, CommandError> {
    return Effect.onExit(effect, (exit) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const answers = Exit.isSuccess(exit) ? answersOf(exit.value) : undefined
        // Who was interrupted does not know.
        const isUnknown = Option.match(Exit.findErrorOption(exit), { onNone: () => true, onSome: mayHaveExecuted })
        commands.forEach((command, i) => {
          if (answers === undefined) {
            if (isUnknown) this.note(command, undefined, now)
            return
          }
          const answer = answers[i]
          if (answer === undefined) return
          if (Result.isSuccess(answer)) this.note(command, answer.success, now)
          else if (mayHaveExecuted(answer.failure)) this.note(command, undefined, now)
        })
      })
    )
  }
}
