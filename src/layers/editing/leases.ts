/** Locks and semaphores as the server stores them, and their release by a visitor who does not hold them. */
import { Clock, Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command } from "../../schema/Command.ts"
import { digest } from "../../schema/digest.ts"
import { escapeGlob, type KeySpace } from "../../schema/key.ts"
import { reservedKey, type ReservedKind } from "../../schema/reservedKeys.ts"
import { labelOf } from "../../services/cache/coordination/leaseToken.ts"
import { releaseScript } from "../../services/cache/coordination/lockScripts.ts"
import { releasePermitsScript } from "../../services/cache/coordination/semaphoreScripts.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { list, pairs, replyOf } from "../inspection/replies.ts"
import type { Outcome } from "./compareAndSet.ts"

export interface LockSeen {
  /** The user key. */
  readonly key: string
  /** The name of the lock on the server, and in forms. */
  readonly place: string
  /** The first characters of the holder's token. */
  readonly holder: string
  /** The label that the holder has chosen; undefined if it has none. */
  readonly label: string | undefined
  /** A digest of the holder's whole token. The token itself would allow a visitor to release the lock. */
  readonly mark: string
  /** What is left of the lease, in milliseconds; −1 = for ever. */
  readonly lease: number
  readonly fence: string
  readonly waits: boolean
}

export interface HolderSeen {
  readonly holder: string
  readonly label: string | undefined
  readonly mark: string
  readonly permits: number
  /** What is left of the lease, in milliseconds; 0 if it has ended. */
  readonly lease: number
}

export interface SemaphoreSeen {
  readonly key: string
  readonly place: string
  readonly holders: ReadonlyArray<HolderSeen>
  readonly waiting: number
}

/** Selects the keys of one kind of lease that belong to one cache, by a glob and by the name behind the kind. */
export const leasesIn = (kind: ReservedKind, space: KeySpace) => {
  const lead = reservedKey(kind, "")
  return {
    match: `${escapeGlob(lead)}[{:]${space.match}`,
    owns: (place: string): boolean => space.userKey(finalOf(place)) !== undefined,
    /** The lease that a key of the server stands for; undefined if it does not belong to this cache. */
    placeOf: (final: string): { readonly key: string; readonly place: string } | undefined => {
      if (!final.startsWith(lead)) return undefined
      const place = final.slice(lead.length)
      const key = space.userKey(finalOf(place))
      return key === undefined ? undefined : { key, place }
    }
  }
}

/** The final key of a value that would have the lock's name: within braces, or behind a colon where it has a hash tag. */
const finalOf = (place: string): string => (/^\{.*\}$/s.test(place) ? place.slice(1, -1) : place.slice(1))

/** The beginning is enough to tell holders apart, and too little to act as one. */
const beginning = (token: string): string => token.slice(0, 8)

/** What a list calls the holder of a lock or of permits. */
export const holderName = ({ holder, label }: Pick<HolderSeen, "holder" | "label">): string => label ?? `${holder}…`

const command = (name: string, ...args: Command["args"]): Command => ({ name, args })

interface Place {
  readonly key: string
  readonly place: string
}

/** The locks at these places that are held. One round trip. */
export const locksAt = (
  client: ValkeyClientShape,
  places: ReadonlyArray<Place>
): Effect.Effect<ReadonlyArray<LockSeen>, CommandError> =>
  Effect.map(
    client.pipeline(
      places.flatMap(({ place }) => [
        command("GET", reservedKey("lock", place)),
        command("PTTL", reservedKey("lock", place)),
        command("GET", reservedKey("fence", place))
      ])
    ),
    (results) =>
      places.flatMap((found, at) => {
        const [token, lease, fence] = results.slice(3 * at, 3 * at + 3).map(replyOf)
        if (typeof token !== "string") return []
        const last = String(fence ?? "")
        return [
          {
            ...found,
            holder: beginning(token),
            label: labelOf(token),
            mark: digest(token),
            lease: Number(lease ?? 0),
            fence: last.replace(/\D/g, ""),
            waits: /\D$/.test(last)
          }
        ]
      })
  )

const weightOf = (member: string): number => Number(/:(\d+)$/.exec(member)?.[1] ?? 0)

export const semaphoresAt = (
  client: ValkeyClientShape,
  places: ReadonlyArray<Place>
): Effect.Effect<ReadonlyArray<SemaphoreSeen>, CommandError> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const results = yield* client.pipeline(
      places.flatMap(({ place }) => [
        command("ZRANGE", reservedKey("holders", place), 0, 99, "WITHSCORES"),
        command("ZCARD", reservedKey("row", place))
      ])
    )
    return places.map((found, at) => {
      const holders = pairs(replyOf(results[2 * at]), (name, end): HolderSeen => {
        const member = String(name)
        return {
          holder: beginning(member),
          label: labelOf(member.replace(/:\d+$/, "")),
          mark: digest(member),
          permits: weightOf(member),
          lease: Math.max(0, Number(end) - now)
        }
      })
      return { ...found, holders, waiting: Number(replyOf(results[2 * at + 1]) ?? 0) }
    })
  })

/** Takes the lock from the holder that was seen, and wakes those who wait. The holder is told at its next renewal. */
export const releaseLock = (
  client: ValkeyClientShape,
  { channel, mark, place }: { readonly place: string; readonly mark: string; readonly channel: string }
): Effect.Effect<Outcome, CommandError> =>
  Effect.gen(function* () {
    const lock = reservedKey("lock", place)
    const token = yield* client.send("GET", [lock])
    if (typeof token !== "string") return "gone"
    if (digest(token) !== mark) return "changed"
    const released = yield* client.eval(releaseScript, [lock, reservedKey("fence", place)], [token, channel])
    return released === 1 ? "done" : "changed"
  })

/** Takes the permits from the holder that was seen. */
export const releasePermits = (
  client: ValkeyClientShape,
  { channel, mark, place }: { readonly place: string; readonly mark: string; readonly channel: string }
): Effect.Effect<Outcome, CommandError> =>
  Effect.gen(function* () {
    const keys = (["holders", "row", "facts"] as const).map((kind) => reservedKey(kind, place))
    const members = list(yield* client.send("ZRANGE", [reservedKey("holders", place), 0, -1])).map(String)
    const member = members.find((member) => digest(member) === mark)
    if (member === undefined) return "gone"
    // Only callers know how many permits there are. The script gets the number of held permits instead, and uses it to decide whom it wakes.
    const permits = members.reduce((sum, member) => sum + weightOf(member), 0)
    const released = yield* client.eval(releasePermitsScript, keys, [permits, channel, member])
    return released === 1 ? "done" : "gone"
  })
