/** The sessions of a cache: how many there are, and signing one of their visitors out. What is in them is never shown. */
import { Effect } from "effect"
import { escapeGlob } from "../../../schema/key.ts"
import { tombstone } from "../../../services/cache/sessions/sessionScripts.ts"
import { replyOf } from "../../inspection/replies.ts"
import { lifetime } from "../../inspection/words.ts"
import { cacheAction, cachePage } from "./cachePage.ts"
import { actionForm, dangerButton } from "../kernel/forms.ts"
import { table } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { fromParam, spaceOf, toParam } from "./keyAddress.ts"
import { sample } from "./sample.ts"
import { Refusal } from "./Refusal.ts"
import { addressOf, type Onward, type Shown, type ShownCache, type Visit, visitorMay } from "../kernel/Visit.ts"

/** Sessions that are counted, and of these the first that are listed. */
const mostCounted = 10_000
const most = 100

/** Of the key no more than tells sessions apart: it holds a digest of the id, which nobody can make an id of. */
const shortName = (key: string, prefix: string): string => key.slice(prefix.length, prefix.length + 6)

export const sessionsPage = (visit: Visit): Effect.Effect<Shown> =>
  cachePage(visit, "sessions", "Sessions", (shown) =>
    Effect.gen(function* () {
      const { cache } = shown
      const { match, userKey } = spaceOf(shown, `${escapeGlob(visit.sessions)}*`)
      const { found, gaveUp } = yield* sample(cache.client, { match, type: "string" }, mostCounted, userKey)
      const listed = found.slice(0, most)
      const facts = yield* cache.client.pipeline(
        listed.flatMap((key) => [
          { name: "PTTL", args: [cache.makeKey(key)] },
          { name: "GETRANGE", args: [cache.makeKey(key), 0, tombstone.length] }
        ])
      )
      const rows = listed.flatMap((key, at) => {
        const [left, start] = facts.slice(2 * at, 2 * at + 2).map(replyOf)
        // An id that was replaced, which the store remembers for a while.
        if (start === tombstone || left === -2) return []
        return [sessionRow(visit, shown, key, left === undefined ? "?" : lifetime(Number(left)))]
      })
      const words = `${gaveUp || found.length >= mostCounted ? "At least " : ""}${found.length} keys of sessions, among them those of ids that were replaced a moment ago.`
      return html`<section aria-label="Sessions">
        <p role="status">${words}</p>
        ${rows.length === 0 ? "" : table(`The first ${rows.length}`, ["Session", "Lives", "Sign out"], rows)}
      </section>`
    })
  )

const sessionRow = (visit: Visit, shown: ShownCache, key: string, lives: string): Html => {
  const name = shortName(key, visit.sessions)
  return html`<tr>
    <th scope="row">${name}…</th>
    <td data-label="Lives">${lives}</td>
    <td class="forms">
      ${
        visitorMay(visit, "delete", shown)
          ? actionForm(
              visit,
              addressOf(visit.path, "sessions", { c: shown.name }),
              { action: "signOut", k: toParam(key) },
              dangerButton("Sign out", name)
            )
          : "-"
      }
    </td>
  </tr>`
}

export const sessionAction = (visit: Visit, form: URLSearchParams): Effect.Effect<Shown | Onward> =>
  cacheAction(visit, "sessions", "delete", ({ cache }) =>
    Effect.gen(function* () {
      const key = fromParam(form.get("k")).toString()
      if (form.get("action") !== "signOut") return new Refusal(400, "There is no such action.")
      if (!key.startsWith(visit.sessions) || key === visit.sessions) return new Refusal(404, "It is no session.")
      const isEnded = yield* cache.session(key).destroy
      return isEnded ? { done: "ended" } : new Refusal(410, "There is no such session any more.")
    })
  )
