/**
 * What is told of changes where another store stands in for the first one in an outage: what the first says while it is used,
 * and that nobody announces anything while it is not.
 */
import { Effect } from "effect"
import type { Invalidation } from "../../schema/Invalidation.ts"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Outage } from "../../schema/failures.ts"
import type { Invalidations } from "../../services/ValkeyClient.ts"
import { Announced } from "../invalidations/Announced.ts"
import { changesOf } from "../invalidations/changesOf.ts"
import { concernOf } from "../invalidations/Concern.ts"
import { Listener } from "../invalidations/Listener.ts"
import type { Told } from "./told.ts"

export interface StandbyInvalidationsOptions {
  readonly first: Invalidations
  /** The only server of the first, where it is one among others. */
  readonly server: string | undefined
  readonly outage: () => Outage | undefined
}

/** A listener, and what the first store said last of whether it announces changes. */
class StandbyListener extends Listener {
  readonly announced = new Announced()
}

export class StandbyInvalidations implements Pick<Invalidations, "invalidations" | "changes"> {
  readonly #options: StandbyInvalidationsOptions
  readonly #listeners = new Set<StandbyListener>()

  constructor(options: StandbyInvalidationsOptions) {
    this.#options = options
  }

  /** An outage has begun. Nothing has been sent to the second store yet. */
  begin(outage: Outage): void {
    this.#tell(this.#downBy(outage))
  }

  /** Commands go to the first store again, unless another outage has begun meanwhile. */
  end(): void {
    if (this.#options.outage() !== undefined) return
    for (const listener of this.#listeners) listener.announced.tell((event) => listener.hear(event))
  }

  /** Runs commands in the second store, whose keys are told of as the first's client tells of its own. */
  telling<A>(
    commands: () => ReadonlyArray<Told>,
    effect: Effect.Effect<A, CommandError>
  ): Effect.Effect<A, CommandError> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.#listeners.size === 0) return restore(effect)
      const concerns = commands().flatMap(({ args, row }) => concernOf(row, args, (event) => this.#tell(event)) ?? [])
      for (const concern of concerns) concern.sent()
      return Effect.ensuring(
        restore(effect),
        Effect.sync(() => {
          for (const concern of concerns) concern.settled()
        })
      )
    })
  }

  readonly invalidations: Invalidations["invalidations"] = (options, onEvent) =>
    Effect.suspend(() => {
      const { first, outage } = this.#options
      const listener = new StandbyListener(options.prefixes, onEvent)
      const now = outage()
      if (now !== undefined) listener.hear(this.#downBy(now))
      const listening = Effect.acquireRelease(
        Effect.sync(() => this.#listeners.add(listener)),
        () => Effect.sync(() => this.#listeners.delete(listener))
      )
      return Effect.andThen(
        listening,
        first.invalidations(options, (event) => this.#hear(listener, event))
      )
    })

  readonly changes: Invalidations["changes"] = changesOf((...wanted) => this.invalidations(...wanted))

  /** That the first announces counts for nothing while nobody asks it. */
  #hear(listener: StandbyListener, event: Invalidation): void {
    listener.announced.note(event)
    const isProven = event._tag === "Live" || event._tag === "Proof"
    if (!isProven || this.#options.outage() === undefined) listener.hear(event)
  }

  #tell(event: Invalidation): void {
    for (const listener of this.#listeners) listener.hear(event)
  }

  #downBy({ _tag }: Outage): Invalidation {
    const reason = `the second store is used because of a ${_tag} of the first`
    return { _tag: "Down", server: this.#options.server, reason, cause: "lost" }
  }
}
