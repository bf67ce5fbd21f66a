/** `effect-vcache locks`. */
import { Effect, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { escapeGlob, type KeySpace } from "../../schema/key.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { holderName, leasesIn, locksAt, semaphoresAt } from "../editing/leases.ts"
import { lifetime } from "../inspection/words.ts"
import { connected } from "./root.ts"
import { table, visible } from "./text.ts"

/** The leases that the scan finds, sorted, because the order of a scan is arbitrary. */
const placesOf = (client: ValkeyClientShape, kind: "lock" | "holders", space: KeySpace) => {
  const { match, placeOf } = leasesIn(kind, space)
  return Effect.map(Stream.runCollect(client.scan({ match })), (keys) =>
    [...new Set(keys)].toSorted().flatMap((key) => placeOf(key) ?? [])
  )
}

const lease = (left: number): string => (left < 0 ? "without end" : left === 0 ? "ended" : lifetime(left))

export const locks = Command.make(
  "locks",
  {
    prefix: Flag.String("prefix").pipe(
      Flag.withDescription("Only locks whose whole keys begin with this text, such as app:1:"),
      Flag.withDefault("")
    )
  },
  ({ prefix }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const space: KeySpace = {
          match: `${escapeGlob(prefix)}*`,
          userKey: (final) => (final.startsWith(prefix) ? final : undefined)
        }
        const held = yield* locksAt(client, yield* placesOf(client, "lock", space))
        const semaphores = yield* semaphoresAt(client, yield* placesOf(client, "holders", space))
        if (output.isJson) {
          for (const { fence, holder, key, label = null, lease, waits } of held) {
            yield* output.json({ kind: "lock", key, holder, label, lease: lease < 0 ? null : lease, fence, waits })
          }
          for (const { holders, key, waiting } of semaphores) {
            yield* output.json({
              kind: "semaphore",
              key,
              waiting,
              holders: holders.map(({ holder, label = null, lease, permits }) => ({ holder, label, lease, permits }))
            })
          }
          return
        }
        const rows = [
          ...held.map((lock) => [
            "lock",
            visible(holderName(lock)),
            lease(lock.lease),
            `fence ${lock.fence}`,
            lock.waits ? "somebody waits" : "nobody waits",
            visible(lock.key)
          ]),
          ...semaphores.flatMap(({ holders, key, waiting }) =>
            holders.map((holder) => [
              "permits",
              visible(holderName(holder)),
              lease(holder.lease),
              `${holder.permits} held`,
              waiting === 0 ? "nobody waits" : `${waiting} wait`,
              visible(key)
            ])
          )
        ]
        yield* Effect.forEach(table(rows), output.line, { discard: true })
      })
    )
).pipe(
  Command.withDescription(
    "Lists held locks and permits: the holder's label or the beginning of its token, the rest of the lease, the fencing token, whether another caller waits"
  )
)
