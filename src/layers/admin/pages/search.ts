/** A search among the keys of all servers, for as long as a page can take, which goes on where another one has ended. */
import { Clock, Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { KeyType } from "../../../schema/Command.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { trouble } from "../kernel/frame.ts"
import type { Html } from "../kernel/Html.ts"

/** A search for something rare is given up after so many milliseconds. */
const patience = 3000

/** Keys that are looked at in one round trip, at first and at most. */
const fewAtOnce = 100
const mostAtOnce = 500

export interface SearchOptions {
  readonly match: string
  readonly type?: KeyType | undefined
  /** The search ends when it has found so many, or a few more: it goes on in whole pages. */
  readonly most: number
  /** Where another search has ended. Default: the beginning. */
  readonly from?: string | undefined
}

export interface Found<A> {
  /** By their final keys. */
  readonly found: ReadonlyMap<string, A>
  /** Where the search goes on; undefined where it is over. */
  readonly next: string | undefined
  /** The time was over before there were as many as wanted. */
  readonly gaveUp: boolean
  /** About how many keys of the servers were looked at. */
  readonly lookedAt: number
  /** The servers that could not be asked. */
  readonly missing: ReadonlyArray<string>
}

/** What `keep` makes of keys that were found; it leaves out those of which it makes nothing. */
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
      // Others stand in for a server that is away: what it held is not found with them.
      const state = yield* client.state
      for (const { node } of state._tag === "Degraded" ? (state.down ?? []) : []) missing.add(node)
    }
    return { found, next, gaveUp: next !== undefined && found.size < most, lookedAt, missing: [...missing] }
  })

/** As many as are likely to have those that are wanted still. */
const atOnce = (wanted: number, found: number, lookedAt: number): number =>
  Math.min(mostAtOnce, Math.max(fewAtOnce, Math.ceil((wanted * lookedAt) / Math.max(1, found))))

export interface Sample<A> extends Pick<Found<A>, "gaveUp" | "missing"> {
  readonly found: ReadonlyArray<A>
  /** There are no others on the servers that were asked. */
  readonly isAll: boolean
}

/** `search` for keys of which something is known without asking: the first `most`. */
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

/** What is not shown, since it could not be asked for. */
export const missingServers = (missing: ReadonlyArray<string>): ReadonlyArray<Html> =>
  missing.map((server) => trouble(`${server} cannot be reached: what it holds is missing here.`))
