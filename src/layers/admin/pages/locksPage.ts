/** Locks and semaphores that are held, by whom, for how long, and their release by force. */
import { Effect } from "effect"
import { wakeUpChannel } from "../../../schema/reservedKeys.ts"
import {
  holderName,
  type HolderSeen,
  leasesIn,
  type LockSeen,
  locksAt,
  releaseLock,
  releasePermits,
  type SemaphoreSeen,
  semaphoresAt
} from "../../editing/leases.ts"
import { lifetime } from "../../inspection/words.ts"
import { cacheAction, cachePage } from "./cachePage.ts"
import { actionForm, dangerButton } from "../kernel/forms.ts"
import { table } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { fromParam, shortKey, spaceOf, toParam } from "./keyAddress.ts"
import { missingServers, sample } from "./search.ts"
import { Refusal } from "./Refusal.ts"
import { addressOf, type Onward, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

/** At most this many locks, and this many semaphores, are listed. */
const most = 100

const found = (shown: ShownCache, kind: "lock" | "holders") => {
  const { match, placeOf } = leasesIn(kind, spaceOf(shown))
  return sample(shown.cache.client, { match, most }, placeOf)
}

export const locksPage = (visit: Visit): Effect.Effect<Shown> =>
  cachePage(visit, "locks", "Locks", (shown) =>
    Effect.gen(function* () {
      const { client } = shown.cache
      const [locks, semaphores] = yield* Effect.all([found(shown, "lock"), found(shown, "holders")], {
        concurrency: 2
      })
      const held = yield* locksAt(client, locks.found)
      const permits = yield* semaphoresAt(client, semaphores.found)
      return html`${missingServers(locks.missing)}
      ${section(visit, shown, "Locks", locks.gaveUp, lockTable(visit, shown, held), held.length)}
      ${section(visit, shown, "Semaphores", semaphores.gaveUp, semaphoreTable(visit, shown, permits), permits.length)}`
    })
  )

const section = (visit: Visit, shown: ShownCache, title: string, gaveUp: boolean, body: Html, count: number): Html =>
  html`<section aria-label="${title}">
    <h2>${title}</h2>
    <p class="note">
      ${count === 0 ? "None is held." : count >= most ? `The first ${most}.` : `${count} held.`}
      ${gaveUp ? "The search stopped after 3 seconds." : ""}
      ${
        count > 0 && visitorMay(visit, "delete", shown)
          ? "A holder continues until it notices the release. After the next acquisition, its writes can be refused by their fencing token."
          : ""
      }
    </p>
    ${count === 0 ? "" : body}
  </section>`

const releaseForm = (
  visit: Visit,
  shown: ShownCache,
  action: "release" | "releasePermits",
  { key, place }: { readonly key: string; readonly place: string },
  mark: string
): Html =>
  visitorMay(visit, "delete", shown)
    ? actionForm(
        visit,
        addressOf(visit.path, "locks", { c: shown.name }),
        { action, place: toParam(place), mark },
        dangerButton("Release", key)
      )
    : html``

const lockTable = (visit: Visit, shown: ShownCache, locks: ReadonlyArray<LockSeen>): Html =>
  table(
    "Locks that are held",
    ["Key", "Holder", "Lease", "Fence", "Queue", "Release"],
    locks.map(
      (lock) =>
        html`<tr>
          <th scope="row">${shortKey(lock.key)}</th>
          <td data-label="Holder"><bdi>${holderName(lock)}</bdi></td>
          <td data-label="Lease">${lock.lease < 0 ? "without end" : `ends in ${lifetime(lock.lease)}`}</td>
          <td data-label="Fence">${lock.fence}</td>
          <td data-label="Queue">${lock.waits ? "somebody waits" : "nobody waits"}</td>
          <td class="forms">${releaseForm(visit, shown, "release", lock, lock.mark)}</td>
        </tr>`
    )
  )

const semaphoreTable = (visit: Visit, shown: ShownCache, semaphores: ReadonlyArray<SemaphoreSeen>): Html =>
  table(
    "Semaphores whose permits are held",
    ["Key", "Holder", "Permits", "Lease", "Queue", "Release"],
    semaphores.flatMap((semaphore) => semaphore.holders.map((holder) => holderRow(visit, shown, semaphore, holder)))
  )

const holderRow = (visit: Visit, shown: ShownCache, semaphore: SemaphoreSeen, holder: HolderSeen): Html =>
  html`<tr>
    <th scope="row">${shortKey(semaphore.key)}</th>
    <td data-label="Holder"><bdi>${holderName(holder)}</bdi></td>
    <td data-label="Permits">${holder.permits}</td>
    <td data-label="Lease">${holder.lease === 0 ? "has ended" : `ends in ${lifetime(holder.lease)}`}</td>
    <td data-label="Queue">${semaphore.waiting === 0 ? "nobody waits" : `${semaphore.waiting} wait`}</td>
    <td class="forms">${releaseForm(visit, shown, "releasePermits", semaphore, holder.mark)}</td>
  </tr>`

export const lockAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> =>
  cacheAction(visit, "locks", "delete", (shown) =>
    Effect.gen(function* () {
      const action = form.get("action")
      if (action !== "release" && action !== "releasePermits") return new Refusal(400, "There is no such action.")
      const place = fromParam(form.get("place")).toString()
      const kind = action === "release" ? "lock" : "holders"
      if (!leasesIn(kind, spaceOf(shown)).owns(place)) return new Refusal(404, "It does not belong to this cache.")
      const { cache } = shown
      const seen = { place, mark: form.get("mark") ?? "", channel: cache.makeKey(wakeUpChannel) }
      const outcome = yield* action === "release" ? releaseLock(cache.client, seen) : releasePermits(cache.client, seen)
      if (outcome === "done") return { done: "released" }
      return outcome === "gone"
        ? new Refusal(410, "Nobody holds it any more.")
        : new Refusal(409, "Somebody else holds it by now.")
    })
  )
