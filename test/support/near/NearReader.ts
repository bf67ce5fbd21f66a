/** One process's reads through a near store over a client, without the cache around it. */
import { Effect, type Scope } from "effect"
import type { CommandError, Invalidation, TrackedReply, ValkeyClientShape } from "effect-vcache"
import type { Tracking } from "../../../src/schema/Invalidation.ts"
import { absent } from "../../../src/services/cache/near/NearValue.ts"
import { NearStore } from "../../../src/services/cache/near/NearStore.ts"
import { pause } from "../pause.ts"
import { until } from "../until.ts"

export interface NearRead {
  readonly value: unknown
  readonly isNear: boolean
}

export interface NearReader {
  readonly events: ReadonlyArray<Invalidation>
  readonly read: (key: string) => Effect.Effect<NearRead, CommandError>
  /** Until the key is read without its server. */
  readonly holds: (key: string) => Effect.Effect<NearRead, CommandError>
  /** Reads for as long as an old value might be served, after a change that has been made; what was served too late. */
  readonly staleAfterChange: (key: string, old: unknown) => Effect.Effect<ReadonlyArray<string>>
}

/** Milliseconds. */
export const maxStaleness = 400
const heartbeat = 100

/** That a test sees the clock a little later than the store. */
const seen = 5

export const nearReader = (
  client: ValkeyClientShape,
  prefix: string,
  tracking: Tracking = "broadcast"
): Effect.Effect<NearReader, never, Scope.Scope> =>
  Effect.gen(function* () {
    const store = new NearStore<never>({
      maxEntries: 1000,
      maxBytes: 1_000_000,
      timeToLive: Infinity,
      maxStaleness,
      serveFor: 0,
      hold: "read",
      tracking
    })
    const events: Array<Invalidation> = []
    const caller = yield* Effect.withFiber(Effect.succeed)
    yield* client.invalidations({ prefixes: [prefix], tracking, heartbeat }, (event) => {
      events.push(event)
      store.apply(event)
    })
    const read: NearReader["read"] = (key) =>
      Effect.suspend((): Effect.Effect<NearRead, CommandError> => {
        const now = client.instant(caller)
        const found = store.find(key, now)
        if (found !== undefined) {
          return Effect.succeed({ value: found.value === absent ? null : found.value, isNear: true })
        }
        const fill = store.begin(key, now)
        return Effect.map(
          Effect.tapError(client.tracked([key], { tracking }), () => Effect.sync(() => store.giveUp(fill))),
          ([reply]) => {
            const { value, ...rest } = reply!
            store.keep(fill, rest, keptOf(reply!))
            return { value, isNear: false }
          }
        )
      })
    return {
      events,
      read,
      holds: (key) =>
        until(
          `${key} near`,
          Effect.orElseSucceed(read(key), (): NearRead => ({ value: undefined, isNear: false })),
          ({ isNear }) => isNear
        ),
      staleAfterChange: Effect.fnUntraced(function* (key, old) {
        const changed = client.instant(caller)
        const stale: Array<string> = []
        for (;;) {
          const began = client.instant(caller)
          if (began > changed + 2.5 * maxStaleness) return stale
          const { value, isNear } = yield* Effect.orElseSucceed(read(key), (): NearRead => ({
            value: undefined,
            isNear: false
          }))
          if (isNear && value === old && began > changed + maxStaleness + seen) {
            stale.push(`${String(value)} ${Math.round(began - changed)} ms after the change`)
          }
          yield* pause(5)
        }
      })
    }
  })

const keptOf = ({ value }: TrackedReply) => ({
  codec: undefined,
  value: value ?? absent,
  header: undefined,
  bytes: value === null ? 0 : value.length
})
