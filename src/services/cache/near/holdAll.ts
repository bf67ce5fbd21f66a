/** Reads every key of a prefix, and from then on each that changes, so that a near cache holds them all. */
import { Effect, Latch, Stream } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import { escapeGlob } from "../../../schema/key.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import type { Holding } from "./Holding.ts"

/** Keys of one read. */
const batch = 500

/** Milliseconds in which what happens to a key is one change: a write is told of when it is sent, when it is done, and by its server. */
const settling = 2

/** Milliseconds after which a read that failed is tried again. */
const patience = 250

export interface HoldingAll {
  readonly client: ValkeyClientShape
  readonly lead: string
  readonly holding: Holding
  /** Whether every server announces its changes. */
  readonly isLive: () => boolean
  /** Reads the keys, and keeps what it says. */
  readonly read: (keys: ReadonlyArray<string>) => Effect.Effect<unknown, CommandError>
  /** All is held, or is too much. */
  readonly onOutcome: () => void
}

/** Never ends. */
export const holdAll = ({ client, holding, isLive, lead, onOutcome, read }: HoldingAll): Effect.Effect<never> => {
  const work = Latch.makeUnsafe(true)
  holding.onWork = () => work.openUnsafe()
  /** Those that could not be read are read later. */
  const fetch = (keys: ReadonlyArray<string>) =>
    Effect.onError(read(keys), () => Effect.sync(() => keys.forEach((key) => holding.changed(key))))

  const readAll = Effect.suspend(() => {
    const { generation } = holding
    return client.scan({ match: `${escapeGlob(lead)}*` }).pipe(
      Stream.takeWhile(() => generation === holding.generation),
      Stream.grouped(batch),
      Stream.runForEach((keys) => (generation === holding.generation ? read(keys) : Effect.void)),
      Effect.tap(() =>
        Effect.sync(() => {
          holding.completed(generation)
          if (holding.isWhole) onOutcome()
        })
      )
    )
  })

  const step: Effect.Effect<boolean, CommandError> = Effect.suspend(() => {
    if (!isLive()) return Effect.succeed(false)
    if (holding.isTooMuch) return Effect.as(Effect.sync(onOutcome), false)
    if (!holding.isWhole) return Effect.as(readAll, true)
    const keys = holding.take(batch)
    return keys.length === 0 ? Effect.succeed(false) : Effect.as(fetch(keys), true)
  })

  const turn = Effect.andThen(work.await, () => {
    work.closeUnsafe()
    return Effect.sleep(settling)
  }).pipe(
    Effect.andThen(step),
    Effect.map((isMore) => isMore && work.openUnsafe()),
    Effect.catch(() => Effect.as(Effect.sleep(patience), work.openUnsafe()))
  )
  return Effect.forever(turn)
}
