/** Sees which servers prove nothing any more, such as one that is frozen. */
import { Effect } from "effect"
import type { Proofs } from "./Proofs.ts"

/**
 * The part of `maxStaleness` after which a server that has proven nothing is down. The rest is for a timer that is late: what is near
 * is then served by `whenDown` before it would be too old to be served without it, so that no read waits for the server in between.
 */
const patience = 0.95

/** The longest pause between two looks, as a part of `maxStaleness`: a server may begin to prove in it. */
const longest = 0.25

export interface WatchingProofs {
  readonly proofs: Proofs
  /** Milliseconds. */
  readonly maxStaleness: number
  readonly instant: () => number
  readonly onSilent: (server: string) => void
}

/** Never ends. A process that was busy itself hears first what has arrived meanwhile. */
export const watchProofs = ({ instant, maxStaleness, onSilent, proofs }: WatchingProofs): Effect.Effect<never> => {
  const atMost = maxStaleness * patience
  const late = () => proofs.overdue(instant() - atMost)
  const pause = Effect.suspend(() => {
    const left = proofs.earliest + atMost - instant()
    return Effect.sleep(Math.min(maxStaleness * longest, Math.max(1, left + 1)))
  })
  const confirm = (suspects: ReadonlyArray<string>) => {
    for (const server of late()) {
      if (!suspects.includes(server)) continue
      proofs.suspend(server, instant())
      onSilent(server)
    }
  }
  const look = Effect.suspend(() => {
    const suspects = late()
    return suspects.length === 0
      ? Effect.void
      : Effect.andThen(
          Effect.sleep(1),
          Effect.sync(() => confirm(suspects))
        )
  })
  return Effect.forever(Effect.andThen(pause, look))
}
