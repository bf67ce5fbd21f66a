/** A search among the keys of all servers. It stops after a few seconds, and can continue where an earlier search ended. */
import { Clock, Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { KeyType } from "../../../schema/Command.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { tagsAt } from "../../inspection/tagsAt.ts"
import { trouble } from "../kernel/frame.ts"
import type { Html } from "../kernel/Html.ts"

/** Milliseconds after which a search ends, even if it has found too few keys. */
const patience = 3000

/** Keys that one round trip reads: at first, and at most. */
const fewAtOnce = 100
const mostAtOnce = 500

export interface SearchOptions {
  readonly match: string
  readonly type?: KeyType | undefined
  /** The search ends when it has found this many keys. It may find a few more, because it reads whole pages. */
  readonly most: number
  /** The cursor where an earlier search ended. Default: the beginning. */
  readonly from?: string | undefined
}

export interface Found<A> {
  /** What was found, by final key. */
  readonly found: ReadonlyMap<string, A>
  /** The cursor from which the search continues; undefined if it is over. */
  readonly next: string | undefined
  /** Whether the time ended before enough keys were found. */
  readonly gaveUp: boolean
  /** About how many keys of the servers the search has read. */
  readonly lookedAt: number
  /** The servers that could not be asked. */
  readonly missing: ReadonlyArray<string>
}

/** Returns what `keep` makes of the keys that match. A key for which it makes undefined is left out. */
export const search = <A>(
  client: ValkeyClientShape,
  { from, match, most, type }: SearchOptions,
  keep: (finals: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<A | undefined>, CommandError>
): Effect.Effect<Found<A>, CommandError> =>
  Effect.gen(function* () {
    const found = new Map<string, A>()
    const missing = new Set<string>()
    const end = (yield* Clock.currentTimeMillis) + patience
    let lookedAt = 0
    let next = from
    do {
      const count = atOnce(most - found.size, found.size, lookedAt)
      const page = yield* client.scanPage(next, { match, type, count, whenUnreachable: "passOver" })
      next = page.next
      if (page.unreachable === undefined) lookedAt += count
      else missing.add(page.unreachable)
      const kept = yield* keep(page.keys)
      for (const [at, final] of page.keys.entries()) {
        const made = kept[at]
        if (made !== undefined) found.set(final, made)
      }
    } while (next !== undefined && found.size < most && (yield* Clock.currentTimeMillis) < end)
    if (client.topology === "ring") {
      // Other servers stand in for one that is away, but they do not have the keys that it held.
      const state = yield* client.state
      for (const { node } of state._tag === "Degraded" ? (state.down ?? []) : []) missing.add(node)
    }
    return { found, next, gaveUp: next !== undefined && found.size < most, lookedAt, missing: [...missing] }
  })

/** For `search`: the user keys of the values with this tag, or of all keys if the tag is empty. */
export const taggedKeys =
  (client: ValkeyClientShape, tag: string, userKey: (final: string) => string | undefined) =>
  (finals: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string | undefined>, CommandError> =>
    tag === ""
      ? Effect.succeed(finals.map(userKey))
      : Effect.map(tagsAt(client, finals), (tags) =>
          finals.map((final, at) => (tags[at]?.includes(tag) === true ? userKey(final) : undefined))
        )

/** As many keys as are likely to contain the rest of the wanted ones, by the share of matches so far. */
const atOnce = (wanted: number, found: number, lookedAt: number): number =>
  Math.min(mostAtOnce, Math.max(fewAtOnce, Math.ceil((wanted * lookedAt) / Math.max(1, found))))

export interface Sample<A> extends Pick<Found<A>, "gaveUp" | "missing"> {
  readonly found: ReadonlyArray<A>
  /** Whether the servers that were asked have no other keys that match. */
  readonly isAll: boolean
}

/** Like `search`, but `use` decides by the key alone, and at most `most` results are returned. */
export const sample = <A>(
  client: ValkeyClientShape,
  options: Omit<SearchOptions, "from">,
  use: (final: string) => A | undefined
): Effect.Effect<Sample<A>, CommandError> =>
  Effect.map(
    search(client, options, (finals) => Effect.succeed(finals.map(use))),
    ({ found, gaveUp, missing, next }) => ({
      found: [...found.values()].slice(0, options.most),
      isAll: next === undefined && found.size <= options.most,
      gaveUp,
      missing
    })
  )

/** A notice for each server that could not be asked. */
export const missingServers = (missing: ReadonlyArray<string>): ReadonlyArray<Html> =>
  missing.map((server) => trouble(`${server} cannot be reached: what it holds is missing here.`))
